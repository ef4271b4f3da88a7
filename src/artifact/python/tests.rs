//! What is read out of Python modules.

use crate::{artifact, document::Node, source::Source};

/// The facts of one kind in a module, each as the fields that are named.
fn facts(path: &str, text: &str, kind: &str, fields: &[&str]) -> Vec<String> {
    let artifact = artifact::parse(Source::new(path, text)).artifact.unwrap();
    let nodes = artifact.derived.iter().map(|&it| artifact.tree.node(it));
    let show = |it: Node<'_>| {
        let parts = fields.iter().map(|name| match it.get(name) {
            Some(value) => format!("{value:?}"),
            None => "-".to_owned(),
        });
        parts.collect::<Vec<_>>().join(" ")
    };
    nodes.filter(|it| it.str("fact") == Some(kind)).map(show).collect()
}

#[test]
fn defaults_are_computed_and_names_have_prefixes() {
    let text = "from pydantic import Field, SecretStr\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n\nDAY = 60 * 24\n\nclass Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=\"APP_\")\n    minutes: int = DAY * 8\n    key: SecretStr\n    name: str = Field(\"x\", alias=\"NAME\")\n    other: str = Field(...)\n    made: str = make()\n";
    assert_eq!(
        facts("app/config.py", text, "setting", &["env", "required", "default"]),
        [
            "\"APP_MINUTES\" false 11520",
            "\"APP_KEY\" true -",
            "\"NAME\" false \"x\"",
            "\"APP_OTHER\" true -",
            "\"APP_MADE\" false {\"expr\": \"call\", \"text\": \"make()\", \"path\": \"make\", \"args\": [], \"kwargs\": {}}",
        ]
    );
}

#[test]
fn the_environment_is_read_in_many_ways() {
    let text = "import os\nfrom os import getenv\nfrom starlette.config import Config\n\nconfig = Config(\".env\")\nA = os.environ[\"A\"]\nB = os.environ.get(\"B\", \"b\")\nC = getenv(\"C\")\nD = config(\"D\", cast=int, default=4)\nos.environ[\"E\"] = \"1\"\n";
    assert_eq!(
        facts("app/config.py", text, "setting", &["env", "required", "default"]),
        ["\"A\" true -", "\"B\" false \"b\"", "\"C\" false -", "\"D\" false 4"]
    );
}

#[test]
fn routes_know_what_guards_them() {
    let text = "from typing import Annotated\nfrom fastapi import APIRouter, Depends\nfrom .deps import current_user, get_db\n\nrouter = APIRouter()\n\n@router.post(\"/items\", dependencies=[Depends(current_user)])\nasync def add(db: Annotated[Session, Depends(get_db)], q=Depends(page)):\n    \"\"\"Adds.\"\"\"\n    log.info(\"x\")\n";
    assert_eq!(
        facts("app/items.py", text, "route", &["path", "methods", "guards", "logs", "documented"]),
        [
            "\"/items\" [\"POST\"] [\"app.deps.current_user\", \"Session\", \"app.deps.get_db\", \"page\"] 1 true"
        ]
    );
}

#[test]
fn what_looks_like_a_route_is_none() {
    let text =
        "class A:\n    @cache.get(\"/x\")\n    def f(self): ...\n\n@app.get(5)\ndef g(): ...\n";
    assert_eq!(facts("app/a.py", text, "route", &["path"]), [""; 0]);
}

#[test]
fn secrets_are_identifiers_and_never_words() {
    let text = "import logging\nlogger = logging.getLogger()\n\ndef f(password, user):\n    logger.info(\"password is wrong\")\n    logger.info(\"wrong %s\", user.access_token)\n    logger.info(f\"{password!r}\")\n    logger.info(\"%s\" % password)\n    logger.info(\"x\", extra={\"p\": password})\n    logger.info(len(password), has_password, password_id)\n";
    assert_eq!(
        facts("app/a.py", text, "log", &["secrets"]),
        ["[\"user.access_token\"]", "[\"password\"]", "[\"password\"]", "[\"password\"]"]
    );
}

#[test]
fn instances_and_aliases_are_followed_within_a_module() {
    let text = "import requests as r\nfrom httpx import AsyncClient\n\nasync def f():\n    async with AsyncClient() as client:\n        await client.get(\"/\")\n    r.get(\"/\", timeout=3)\n\ndef g(session: r.Session):\n    session.post(\"/\")\n";
    assert_eq!(
        facts("app/a.py", text, "call", &["callee", "async", "awaited"]),
        [
            "\"httpx.AsyncClient\" true false",
            "\"requests.get\" true false",
            "\"requests.Session().post\" false false",
        ]
    );
}

#[test]
fn options_that_are_spread_are_known_or_said_to_be_unknown() {
    let text = "import requests\nOPTIONS = {\"timeout\": 3}\n\ndef f(**more):\n    requests.get(\"/\", **OPTIONS)\n    requests.get(\"/\", **more)\n";
    assert_eq!(
        facts("app/a.py", text, "call", &["kwargs"]),
        ["{\"timeout\": 3}", "{\"**\": true}"]
    );
}

#[test]
fn a_template_is_a_problem_and_no_module() {
    let text = "from {{cookiecutter.name}} import x\n";
    let parsed = artifact::parse(Source::new("{{cookiecutter.name}}/a.py", text));
    assert!(parsed.artifact.is_none());
    assert_eq!(parsed.problems[0].kind, crate::document::Trouble::Template);
}

#[test]
fn what_nests_as_deeply_as_is_read_is_walked() {
    for (open, close, times) in [
        ("f(", ")", 130),
        ("[", "]", 190),
        ("not ", "", 380),
        ("1 + ", "", 380),
        ("a.", "", 380),
        ("lambda: ", "", 380),
        ("1 if a else ", "", 190),
        ("{'a': ", "}", 190),
    ] {
        let text = format!("x = {}a{}\n", open.repeat(times), close.repeat(times));
        assert!(artifact::parse(Source::new("a.py", text)).artifact.is_some(), "{open}");
    }
}

#[test]
fn constants_that_name_constants_do_not_multiply() {
    let list = format!("A = [{}]\n", "'abcdefgh', ".repeat(64));
    let text = format!(
        "{list}B = [{}]\nC = [{}]\n{}",
        "A, ".repeat(64),
        "B, ".repeat(64),
        "FastAPI(C, C, C)\n".repeat(100)
    );
    let artifact = artifact::parse(Source::new("a.py", text)).artifact.unwrap();
    assert!(artifact.tree.nodes.len() < 3 * artifact.tree.source.text.len() + 10_000);
}
