//! The evaluator of templates: Go's `text/template` over the trees that `gotmpl` parses.
//!
//! It is our own because charts change maps in place (`set`), call methods with arguments
//! (`.Files.Get`), and because each literal byte must know where it was written. Every step, every
//! byte and every level of recursion is counted.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use gotmpl::parse::{
    BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr, TemplateNode,
};

use super::{
    data::{Failure, Heap, Outcome, Text, Value},
    functions,
    methods::Files,
    output::{Output, Place},
    template::{self, Define, Defines, File},
};
use crate::source::Span;

/// How many blocks, templates and parentheses may be inside each other while they are evaluated.
const DEEPEST: usize = 220;

/// Why a walk does not go on.
enum Stop {
    Failure(Box<Failure>),
    Break,
    Continue,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

type Walk<T> = Result<T, Stop>;

/// A text that `tpl` was given, read.
struct Inline {
    file: File,
    defines: Defines,
}

/// The variables of one template, and the file it stands in.
struct Frame {
    vars: Vec<(SmolStr, Value)>,
    /// None inside `tpl`, whose text has no file.
    file: Option<usize>,
}

impl Frame {
    fn new(file: Option<usize>, dot: &Value) -> Self {
        Self { vars: vec![(SmolStr::new_static("$"), dot.clone())], file }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.vars.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn set(&mut self, pipe: &PipeNode, name: &SmolStr, value: Value) {
        if pipe.is_assign
            && let Some((_, slot)) = self.vars.iter_mut().rev().find(|(known, _)| known == name)
        {
            *slot = value;
        } else {
            self.vars.push((name.clone(), value));
        }
    }
}

/// Evaluates the templates of one chart with one set of values.
pub struct Engine<'c> {
    /// Where the values live.
    pub heap: Heap,
    /// What `.Files` of each chart can see.
    pub files: Files<'c>,
    /// The templates, by the index that places use.
    templates: &'c [File],
    defines: &'c Defines,
    /// What `tpl` texts define, innermost last.
    local: Vec<Rc<Inline>>,
    inline: HashMap<Text, Rc<Inline>>,
    depth: usize,
    /// The action of the outermost template that is being evaluated.
    at: usize,
}

impl<'c> Engine<'c> {
    /// An engine over templates that were read.
    pub fn new(templates: &'c [File], defines: &'c Defines, files: Files<'c>) -> Self {
        Self {
            heap: Heap::default(),
            files,
            templates,
            defines,
            local: Vec::new(),
            inline: HashMap::new(),
            depth: 0,
            at: 0,
        }
    }

    /// Renders template number `file` with `dot`.
    ///
    /// # Errors
    /// Where in that file, and why it cannot be rendered.
    pub fn render(&mut self, file: usize, dot: &Value) -> Result<Output, (usize, Failure)> {
        let mut output = Output::with_places();
        let templates = self.templates;
        (self.at, self.depth) = (0, 0);
        self.local.clear();
        let mut frame = Frame::new(Some(file), dot);
        match self.walk(&templates[file].body, dot, &mut frame, &mut output) {
            Ok(()) | Err(Stop::Break | Stop::Continue) => Ok(output),
            Err(Stop::Failure(failure)) => Err((self.at, *failure)),
        }
    }

    fn enter(&mut self) -> Outcome<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let reason = format!("templates and blocks nest more than {DEEPEST} deep");
            return Err(Failure::limit(reason));
        }
        Ok(())
    }

    fn walk(
        &mut self,
        list: &ListNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        for node in &list.nodes {
            self.heap.step(1)?;
            self.node(node, dot, frame, out)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Value, frame: &mut Frame, out: &mut Output) -> Walk<()> {
        match node {
            Node::Text(text) => {
                let Some(file) = frame.file else {
                    self.heap.room(text.text.len())?;
                    out.push(&text.text, None);
                    return Ok(());
                };
                let written = self.templates[file].literal(text);
                self.heap.room(written.len())?;
                let span = Span::new(written.start, written.end);
                let text = self.templates[file].text.get(written).unwrap_or_default();
                out.push(text, Some(Place { file, span }));
                Ok(())
            }
            Node::Action(action) => self.action(&action.pipe, dot, frame, out),
            Node::If(branch) => self.block(branch, dot, frame, out, Self::condition),
            Node::With(branch) => self.block(branch, dot, frame, out, Self::with),
            Node::Range(branch) => self.block(branch, dot, frame, out, Self::range),
            Node::Template(call) => self.call(call, dot, frame, out),
            Node::List(list) => self.walk(list, dot, frame, out),
            Node::Define(_) => Ok(()),
            Node::Break(_) => Err(Stop::Break),
            Node::Continue(_) => Err(Stop::Continue),
        }
    }

    /// Notes the action that is evaluated, if it stands in the template that is rendered.
    fn note(&mut self, pos: Pos, out: &Output, frame: &Frame) {
        if let Some(file) = frame.file
            && out.is_outermost()
        {
            self.at = self.templates[file].offset(pos.offset);
        }
    }

    fn action(
        &mut self,
        pipe: &PipeNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        self.note(pipe.pos, out, frame);
        let value = self.pipeline(pipe, dot, frame)?;
        if let Some(name) = pipe.decl.first() {
            frame.set(pipe, name, value);
        } else if !matches!(value, Value::Nil) {
            let text = self.heap.display(&value)?;
            self.heap.room(text.len())?;
            out.push(&text, self.action_place(frame, pipe.pos));
        }
        Ok(())
    }

    /// The place of the action whose inside starts at `pos`, delimiters included.
    fn action_place(&self, frame: &Frame, pos: Pos) -> Option<Place> {
        let file = frame.file?;
        let text = &self.templates[file].text;
        let inside = self.templates[file].offset(pos.offset);
        let before = text.as_bytes().get(..inside).unwrap_or_default();
        let start = before.windows(2).rposition(|it| it == b"{{").unwrap_or(inside);
        let end = text.get(start..).map_or(start, |it| start + template::action_length(it));
        Some(Place { file, span: Span::new(start, end) })
    }

    fn block(
        &mut self,
        branch: &BranchNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
        walk: BlockWalk<'c>,
    ) -> Walk<()> {
        self.note(branch.pos, out, frame);
        let depth = self.depth;
        self.enter()?;
        let vars = frame.vars.len();
        let result = walk(self, branch, dot, frame, out);
        frame.vars.truncate(vars);
        self.depth = depth;
        result
    }

    /// The value of the pipeline of `if` and `with`, and its variable.
    fn tested(&mut self, branch: &BranchNode, dot: &Value, frame: &mut Frame) -> Walk<Value> {
        let value = self.pipeline(&branch.pipe, dot, frame)?;
        if let Some(name) = branch.pipe.decl.first() {
            frame.set(&branch.pipe, name, value.clone());
        }
        Ok(value)
    }

    fn condition(
        &mut self,
        branch: &BranchNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        let value = self.tested(branch, dot, frame)?;
        match &branch.else_body {
            _ if self.heap.is_true(&value) => self.walk(&branch.body, dot, frame, out),
            Some(body) => self.walk(body, dot, frame, out),
            None => Ok(()),
        }
    }

    fn with(
        &mut self,
        branch: &BranchNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        let value = self.tested(branch, dot, frame)?;
        match &branch.else_body {
            _ if self.heap.is_true(&value) => self.walk(&branch.body, &value, frame, out),
            Some(body) => self.walk(body, dot, frame, out),
            None => Ok(()),
        }
    }

    fn range(
        &mut self,
        branch: &BranchNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        let value = self.pipeline(&branch.pipe, dot, frame)?;
        let items = self.ranged(&value)?;
        if items.is_empty() {
            return match &branch.else_body {
                Some(body) => self.walk(body, dot, frame, out),
                None => Ok(()),
            };
        }
        for (key, item) in items {
            self.heap.step(1)?;
            let vars = frame.vars.len();
            match branch.pipe.decl.as_slice() {
                [] => {}
                [value] => frame.set(&branch.pipe, value, item.clone()),
                [index, value, ..] => {
                    frame.set(&branch.pipe, index, key);
                    frame.set(&branch.pipe, value, item.clone());
                }
            }
            let result = self.walk(&branch.body, &item, frame, out);
            frame.vars.truncate(vars);
            match result {
                Err(Stop::Break) => break,
                Ok(()) | Err(Stop::Continue) => {}
                failed => return failed,
            }
        }
        Ok(())
    }

    /// What `range` goes over, as keys and values.
    fn ranged(&mut self, value: &Value) -> Outcome<Vec<(Value, Value)>> {
        let pairs: Vec<_> = match value {
            Value::Nil => Vec::new(),
            Value::List(list) => {
                let items = self.heap.items(*list);
                let indexed = items.iter().enumerate();
                indexed.map(|(at, it)| (Value::Int(at as i64), it.clone())).collect()
            }
            Value::Map(map) => {
                let entries = self.heap.entries(*map);
                entries.iter().map(|(key, it)| (Value::Text(key.clone()), it.clone())).collect()
            }
            Value::Int(count) => {
                self.heap.step((*count).max(0) as usize)?;
                (0..*count).map(|it| (Value::Int(it), Value::Int(it))).collect()
            }
            Value::Files(set) => self.files.all(*set, &mut self.heap)?,
            other => {
                let reason = format!("`range` cannot go over a {}", other.kind());
                return Err(Failure::template(reason));
            }
        };
        self.heap.step(pairs.len())?;
        Ok(pairs)
    }

    /// `{{ template "name" . }}`: what it prints belongs to the calling action, unless it is
    /// defined in the same file.
    fn call(
        &mut self,
        call: &TemplateNode,
        dot: &Value,
        frame: &mut Frame,
        out: &mut Output,
    ) -> Walk<()> {
        self.note(call.pos, out, frame);
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(pipe, dot, frame)?,
            None => Value::Nil,
        };
        let define = self.define(&call.name)?;
        let outer = out.within;
        if define.file != frame.file {
            out.within = outer.or_else(|| self.action_place(frame, call.pos));
        }
        let result = self.run(&define, &dot, out);
        out.within = outer;
        result
    }

    fn define(&self, name: &str) -> Outcome<Body> {
        if let Some(inline) = self.local.iter().rev().find(|it| it.defines.contains_key(name)) {
            return Ok(Body { list: inline.defines[name].body.clone(), file: None });
        }
        match self.defines.get(name) {
            Some(Define { body, file }) => Ok(Body { list: body.clone(), file: Some(*file) }),
            None => self.whole(name),
        }
    }

    /// A template file by its own name, as `include (print $.Template.BasePath "/x.yaml") .` asks.
    fn whole(&self, name: &str) -> Outcome<Body> {
        match self.templates.iter().position(|it| it.name == name) {
            Some(file) => Ok(Body { list: self.templates[file].body.clone(), file: Some(file) }),
            None => Err(Failure::template(format!("no template is named `{name}`"))),
        }
    }

    fn run(&mut self, body: &Body, dot: &Value, out: &mut Output) -> Walk<()> {
        let depth = self.depth;
        self.enter()?;
        let mut frame = Frame::new(body.file, dot);
        let result = self.walk(&body.list, dot, &mut frame, out);
        self.depth = depth;
        result
    }

    /// What a named template prints, as a value.
    fn include(&mut self, arguments: &[Value]) -> Walk<Value> {
        let [name, dot] = arguments else {
            return Err(Failure::template("`include` takes a name and a value").into());
        };
        let name = functions::as_text(name)?;
        let body = self.define(&name)?;
        let mut out = Output::default();
        self.run(&body, dot, &mut out)?;
        Ok(Value::text(out.text))
    }

    /// A text read as a template and rendered.
    fn tpl(&mut self, arguments: &[Value]) -> Walk<Value> {
        let [text, dot] = arguments else {
            return Err(Failure::template("`tpl` takes a text and a value").into());
        };
        let text = functions::as_text(text)?;
        if !text.contains("{{") {
            return Ok(Value::Text(text));
        }
        let inline = self.read_inline(&text)?;
        let mut out = Output::default();
        let depth = self.depth;
        self.enter()?;
        self.local.push(inline.clone());
        let mut frame = Frame::new(None, dot);
        let result = self.walk(&inline.file.body, dot, &mut frame, &mut out);
        self.local.pop();
        self.depth = depth;
        result?;
        Ok(Value::text(out.text))
    }

    fn read_inline(&mut self, text: &Text) -> Outcome<Rc<Inline>> {
        if let Some(known) = self.inline.get(text) {
            return Ok(known.clone());
        }
        self.heap.step(text.len())?;
        let mut defines = Defines::new();
        let file = template::read_inline(text, &mut defines).map_err(|it| it.failure)?;
        let inline = Rc::new(Inline { file, defines });
        self.inline.insert(text.clone(), inline.clone());
        Ok(inline)
    }

    fn pipeline(&mut self, pipe: &PipeNode, dot: &Value, frame: &mut Frame) -> Walk<Value> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value, dot, frame)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        command: &CommandNode,
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Walk<Value> {
        self.heap.step(1)?;
        let Some((first, rest)) = command.args.split_first() else { return Ok(Value::Nil) };
        match first {
            Expr::Identifier(_, name) => self.function(name, rest, piped, dot, frame),
            Expr::Chain(_, inner, fields) if let Expr::Identifier(_, name) = &**inner => {
                let value = self.function(name, rest, piped, dot, frame)?;
                Ok(self.fields(value, fields)?)
            }
            Expr::Field(_, fields) => {
                let value = dot.clone();
                self.method(value, fields, rest, piped, dot, frame)
            }
            Expr::Variable(_, name, fields) => {
                let value = variable(frame, name)?;
                self.method(value, fields, rest, piped, dot, frame)
            }
            Expr::Chain(_, inner, fields) => {
                let value = self.expression(inner, dot, frame)?;
                self.method(value, fields, rest, piped, dot, frame)
            }
            _ if !rest.is_empty() || piped.is_some() => {
                Err(Failure::template("an argument is given to what is no function").into())
            }
            other => self.expression(other, dot, frame),
        }
    }

    /// Fields of a value, the last of which may be a method that takes the arguments.
    fn method(
        &mut self,
        value: Value,
        fields: &[SmolStr],
        rest: &[Expr],
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Walk<Value> {
        if rest.is_empty() && piped.is_none() {
            return Ok(self.fields(value, fields)?);
        }
        let Some((name, folders)) = fields.split_last() else {
            return Err(Failure::template("an argument is given to what is no function").into());
        };
        let receiver = self.fields(value, folders)?;
        let arguments = self.arguments(rest, piped, dot, frame)?;
        Ok(self.files.call(&mut self.heap, &receiver, name, &arguments)?)
    }

    /// Fields of a value. As in Go, a field of nothing is nothing, but nothing that a field gave has
    /// no fields itself: `$x.a` prints blank where `$x` was not set, `.a.b` fails where `.a` is not.
    fn fields(&mut self, value: Value, fields: &[SmolStr]) -> Outcome<Value> {
        if matches!(value, Value::Nil) {
            return Ok(Value::Nil);
        }
        let mut value = value;
        for name in fields {
            value = match &value {
                Value::Map(map) => self.heap.field(*map, name)?,
                Value::Files(_) | Value::Versions => {
                    self.files.call(&mut self.heap, &value, name, &[])?
                }
                other => {
                    let what = match other {
                        Value::Nil => "value that is not there",
                        other => other.kind(),
                    };
                    return Err(Failure::template(format!("`{name}` is read from a {what}")));
                }
            };
        }
        Ok(value)
    }

    fn arguments(
        &mut self,
        written: &[Expr],
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Walk<Vec<Value>> {
        let mut values = Vec::with_capacity(written.len() + 1);
        for argument in written {
            values.push(self.expression(argument, dot, frame)?);
        }
        values.extend(piped);
        Ok(values)
    }

    fn function(
        &mut self,
        name: &str,
        written: &[Expr],
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Walk<Value> {
        if matches!(name, "and" | "or") {
            return self.first_that_decides(name == "or", written, piped, dot, frame);
        }
        let arguments = self.arguments(written, piped, dot, frame)?;
        match name {
            "include" => self.include(&arguments),
            "tpl" => self.tpl(&arguments),
            _ => Ok(functions::call(&mut self.heap, name, &arguments)?),
        }
    }

    /// `and` and `or`, which evaluate no more than they need.
    fn first_that_decides(
        &mut self,
        decides: bool,
        written: &[Expr],
        piped: Option<Value>,
        dot: &Value,
        frame: &mut Frame,
    ) -> Walk<Value> {
        let mut last = Value::Nil;
        for argument in written {
            last = self.expression(argument, dot, frame)?;
            if self.heap.is_true(&last) == decides {
                return Ok(last);
            }
        }
        Ok(piped.unwrap_or(last))
    }

    fn expression(&mut self, expression: &Expr, dot: &Value, frame: &mut Frame) -> Walk<Value> {
        self.heap.step(1)?;
        Ok(match expression {
            Expr::Dot(_) => dot.clone(),
            Expr::Nil(_) => Value::Nil,
            Expr::Bool(_, it) => Value::Bool(*it),
            Expr::String(_, it) => Value::text(&**it),
            Expr::Number(_, Number::Int(it)) => Value::Int(*it),
            Expr::Number(_, Number::Uint(it)) => Value::Int(*it as i64),
            Expr::Number(_, Number::Float(it)) => Value::Float(*it),
            Expr::Field(_, fields) => self.fields(dot.clone(), fields)?,
            Expr::Variable(_, name, fields) => {
                let value = variable(frame, name)?;
                self.fields(value, fields)?
            }
            Expr::Identifier(_, name) => self.function(name, &[], None, dot, frame)?,
            Expr::Pipe(_, pipe) => {
                let depth = self.depth;
                self.enter()?;
                let value = self.pipeline(pipe, dot, frame)?;
                self.depth = depth;
                value
            }
            Expr::Chain(_, inner, fields) => {
                let value = self.expression(inner, dot, frame)?;
                self.fields(value, fields)?
            }
        })
    }
}

type BlockWalk<'c> = fn(&mut Engine<'c>, &BranchNode, &Value, &mut Frame, &mut Output) -> Walk<()>;

/// The body of a template that is called.
struct Body {
    list: Arc<ListNode>,
    file: Option<usize>,
}

fn variable(frame: &Frame, name: &str) -> Outcome<Value> {
    let missing = || Failure::template(format!("the variable `{name}` is not defined"));
    frame.get(name).cloned().ok_or_else(missing)
}
