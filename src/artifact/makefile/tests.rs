//! What the evaluator makes of Makefiles; each expectation was seen with GNU make 4.3.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    evaluate::evaluate,
    files::Files,
    model::{Evaluation, Unknown},
};

/// Files in memory.
struct Memory {
    texts: BTreeMap<String, String>,
    list: Vec<String>,
}

impl Files for Memory {
    fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        self.texts.get(path).map(|it| Cow::Borrowed(it.as_str()))
    }

    fn list(&self) -> Option<&[String]> {
        Some(&self.list)
    }
}

fn read_all(files: &[(&str, &str)], entry: &str) -> Evaluation {
    let texts: BTreeMap<_, _> =
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    let list = texts.keys().cloned().collect();
    evaluate(&Memory { texts, list }, entry)
}

fn read(text: &str) -> Evaluation {
    read_all(&[("Makefile", text)], "Makefile")
}

/// The names of the targets, sorted.
fn names(text: &str) -> String {
    let read = read(text);
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    let mut names: Vec<_> = read.targets.into_iter().map(|it| it.name).collect();
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn variables_have_flavours() {
    assert_eq!(names("A=x\nB:=$(A)\nA=y\n$(A) $(B):\n"), "x y");
    assert_eq!(names("X=a\nX?=b\nX+=c\nY?=d\n$(X) $(Y):\n"), "a c d");
    assert_eq!(names("override X=a\nX=b\n$(X):\n"), "a");
    assert_eq!(names("A=a\nundefine A\nx$(A):\n"), "x");
    assert_eq!(names("a_b=c\nx=b\n$(a_$(x)):\n"), "c");
}

#[test]
fn conditionals_choose_what_is_read() {
    let chain = "V=3\nifeq ($(V),1)\na:\nelse ifeq ($(V),3)\nb:\nelse\nc:\nendif\n";
    assert_eq!(names(chain), "b");
    assert_eq!(names("ifdef X\na:\nendif\nX=$(E)\nifdef X\nb:\nendif\n"), "b");
    assert_eq!(names("ifeq \"a\" 'a'\na:\nendif\nifneq (a, b)\nb:\nendif\n"), "a b");
    assert_eq!(names("ifeq (a,b)\ndefine X\nendif\nendef\nb:\nelse\nc:\nendif\n"), "c");
}

#[test]
fn rules_come_out_of_calls_and_evaluations() {
    let template =
        "define R\n$(1): $(2)\n\techo $$@\nendef\n$(foreach t,a b,$(eval $(call R,$(t),x)))\n";
    let found = read(template);
    assert_eq!(found.targets.len(), 2);
    assert_eq!(found.targets[0].prerequisites, ["x"]);
    assert_eq!(found.recipes[found.targets[0].recipes[0]].lines[0].text, "echo $@");
    assert_eq!(names("R=a: b\n$(R)\n"), "a");
    let recursive = "down=$(if $(filter-out x,$(1)),$(word 1,$(1)) $(call down,$(wordlist 2,9,$(1))))\n$(call down,a b x):\n";
    assert_eq!(names(recursive), "a b");
}

#[test]
fn lines_are_recipes_only_while_a_rule_is_open() {
    assert_eq!(names("all:\n\techo a: b\n# c\n\n\tX: y\nb:\n"), "all b");
    assert_eq!(names("all:\nX=1\n\tY=2\n$(Y)z:\n"), "2z all");
    assert_eq!(names(".RECIPEPREFIX = >\na:\n>echo b: c\n"), "a");
    assert_eq!(names("a: X=1\nb: X:=2\nc: d\n"), "c");
}

#[test]
fn names_are_read_as_make_reads_them() {
    assert_eq!(names("a\\ b: c\nd\\:e: f\ng\\#h:\nk$$l:\n./m:\n"), "a b d:e g#h k$l m");
    assert_eq!(names(".PHONY: a b\n.PHONY: \\\n c\na:\n"), "a b c");
    assert_eq!(names("x.o y.o: %.o: %.c\n%.a: %.b\nc d &: e\n"), "c d x.o y.o");
    assert_eq!(names("lib(a.o b.o): c\n"), "lib(a.o) lib(b.o)");
    assert_eq!(names("A=a\r\n$(A): b\r\n\techo\r\n"), "a");
}

#[test]
fn includes_are_followed_below_the_root() {
    let files = [
        ("sub/Makefile", "include ../common.mk *.inc\n-include none.mk\nall: $(X)\n"),
        ("common.mk", "X = fromcommon\ncommon:\n"),
        ("sub/a.inc", "a:\n"),
    ];
    let found = read_all(&files, "sub/Makefile");
    let all: Vec<_> = found.targets.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(all, ["common", "a", "all"]);
    assert_eq!(found.files, ["sub/Makefile", "common.mk", "sub/a.inc"]);
    assert!(found.unresolved.is_empty());
    assert_eq!(found.target("common").map(|it| (it.place.file, it.place.line)), Some((1, 2)));
}

#[test]
fn what_is_not_there_or_outside_leaves_the_reading_open() {
    let missing = read("include gone.mk\na:\n");
    assert!(missing.is_open() && missing.unresolved[0].kind == Unknown::Include);
    let outside = read("include ../../etc/passwd\na:\n");
    assert!(outside.is_open());
    assert!(!read("-include gone.mk\na:\n").is_open());
}

#[test]
fn the_output_of_commands_is_unknown_and_stays_so() {
    let found = read("X := $(shell ls)\nall: $(X)\n$(addprefix p-,$(X)) q-$(X): y\n");
    let all: Vec<_> = found.targets.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(all, ["all", "q-"]);
    assert!(found.is_open());
    assert!(found.targets[0].open);
    let assigned = read("X != ls\n$(X):\n");
    assert!(assigned.is_open() && assigned.targets.is_empty());
}

#[test]
fn a_condition_that_is_not_known_leaves_both_branches_possible() {
    let text = "ifeq ($(shell uname),Darwin)\nmac:\nelse\nother:\nendif\nall:\n";
    let found = read(text);
    let all: Vec<_> = found.targets.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(all, ["other", "all"]);
    assert!(found.target("other").is_some_and(|it| it.maybe));
    assert!(found.possible.contains("mac"));
    assert!(!found.is_open(), "no other name is possible");
    let harmless = read("ifeq ($(shell uname),Darwin)\nS=gsed\nelse\nS=sed\nendif\nall:\n");
    assert!(harmless.unresolved.is_empty());
}

#[test]
fn the_default_goal_is_the_first_that_may_be_one() {
    assert_eq!(read(".hidden:\n%.o:\na:\nb:\n").default_goal, "a");
    assert_eq!(read(".DEFAULT_GOAL := b\na:\nb:\n").default_goal, "b");
}

#[test]
fn a_broken_line_loses_itself_only() {
    let found = read("a:\nthis is nothing\nb:\n");
    assert_eq!(found.targets.len(), 2);
    assert_eq!(found.errors.len(), 1);
}

#[test]
fn hostile_files_meet_limits() {
    let growing: String = (1..60).map(|it| format!("A{it}=$(A{0})$(A{0})\n", it - 1)).collect();
    for text in [
        format!("A={}x{}\n$(A):\n", "$(".repeat(5000), ")".repeat(5000)),
        "f=$(call f,$(1)x)\n$(call f,a):\n".to_owned(),
        "define f\n$(eval $(call f))\nendef\n$(eval $(call f))\n".to_owned(),
        "include Makefile\n".to_owned(),
        format!("A0=x\n{growing}$(A59):\n"),
        "ifeq (a,a)\n".repeat(5000),
    ] {
        let found = read(&text);
        assert!(found.errors.iter().any(|it| it.2), "{}", &text[..20]);
        assert!(found.is_open());
    }
}

#[test]
fn what_make_defines_itself_has_its_flavor_and_origin() {
    let text = "$(flavor MAKE)-$(flavor PATH)-$(flavor CURDIR):\n";
    assert_eq!(names(text), "recursive-recursive-simple");
    assert_eq!(
        names("$(origin .DEFAULT_GOAL)-$(origin MAKEFLAGS)-$(origin MAKE):\n"),
        "file-file-default"
    );
}

#[test]
fn only_an_override_takes_an_override_back() {
    assert_eq!(names("override V = a\nundefine V\n$(V):\n"), "a");
    assert_eq!(names("override V = a\noverride undefine V\nx$(V):\n"), "x");
}

#[test]
fn a_file_that_is_not_there_is_not_listed() {
    assert_eq!(names("-include no.mk\nt-$(words $(MAKEFILE_LIST)):\n"), "t-1");
}

#[test]
fn words_that_become_nothing_leave_no_space() {
    assert_eq!(names("V = a b\nifeq (,$(V:%=))\nt:\nendif\n"), "t");
    assert_eq!(names("ifeq (x  b,$(patsubst a,x,a  b))\nt:\nendif\n"), "t");
    assert_eq!(names("ifeq (a  b,$(wordlist 1,2,a  b c))\nt:\nendif\n"), "t");
}

#[test]
fn a_definition_in_a_doubtful_definition_is_read() {
    let text = "V != x\nifeq ($(V),)\ndefine d\ndefine e\nt-$$(1):\nendef\nendef\n$(eval $(call d))\n\
                $(eval $(call e,a))\nendif\n";
    assert_eq!(names(text), "t-a");
}
