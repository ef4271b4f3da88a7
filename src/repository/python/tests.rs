//! Python across files.

use crate::repository::tests::look;

use super::{VIEWS, migrations, service_view};
use crate::artifact::View;

fn view(name: &str) -> &'static View {
    VIEWS.iter().find(|it| it.name == name).unwrap()
}

const MAIN: &str = "from fastapi import FastAPI\nfrom .api import api\nfrom .config import settings\n\napp = FastAPI()\napp.include_router(api, prefix=settings.PREFIX)\n";
const CONFIG: &str = "from pydantic_settings import BaseSettings\n\nclass Settings(BaseSettings):\n    PREFIX: str = \"/api/v1\"\n";
const ITEMS: &str = "from fastapi import APIRouter\n\nrouter = APIRouter(prefix=\"/items\")\n\n@router.get(\"/{id}\")\ndef item(id: int): ...\n";

fn routes(files: &[(&str, &str)]) -> Vec<String> {
    look(view("python.route"), files, &["path", "known", "mounted"])
}

#[test]
fn prefixes_are_followed_through_packages_and_settings() {
    let api = "from fastapi import APIRouter\nfrom . import items\n\napi = APIRouter()\napi.include_router(items.router)\n";
    let files = [
        ("app/api/__init__.py", api),
        ("app/api/items.py", ITEMS),
        ("app/config.py", CONFIG),
        ("app/main.py", MAIN),
    ];
    assert_eq!(routes(&files), ["/api/v1/items/{id} true true"]);
}

#[test]
fn names_are_followed_through_modules_that_pass_them_on() {
    let files = [
        ("app/api/__init__.py", "from .items import router as api\n"),
        ("app/api/items.py", ITEMS),
        ("app/config.py", CONFIG),
        ("app/main.py", MAIN),
    ];
    assert_eq!(routes(&files), ["/api/v1/items/{id} true true"]);
}

#[test]
fn a_router_that_nobody_mounts_is_not_mounted_and_its_path_not_known() {
    let files = [
        ("app/items.py", ITEMS),
        ("app/main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
    ];
    assert_eq!(routes(&files), ["/items/{id} false false"]);
}

#[test]
fn routers_that_mount_each_other_come_to_an_end() {
    let text = "from fastapi import APIRouter, FastAPI\n\napp = FastAPI()\na = APIRouter()\nb = APIRouter()\na.include_router(b)\nb.include_router(a)\na.include_router(a)\n\n@a.get(\"/x\")\ndef x(): ...\n";
    assert_eq!(routes(&[("main.py", text)]).len(), 1);
}

#[test]
fn tests_examples_and_other_projects_are_no_service() {
    let app = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get(\"/x\")\ndef x(): ...\n";
    let files = [
        ("docs/main.py", app),
        ("sdk/client.py", "import requests\nrequests.get(\"/\")\n"),
        ("sdk/pyproject.toml", ""),
        ("server/main.py", app),
        ("server/pyproject.toml", ""),
        ("tests/main.py", app),
    ];
    assert_eq!(routes(&files).len(), 1);
    assert_eq!(
        look(&service_view::VIEW, &files, &["folder", "routes", "callees"]),
        ["server 1 fastapi.FastAPI"]
    );
}

#[test]
fn migrations_in_folders_of_one_environment_are_one_graph() {
    let step = |own: &str, down: &str| format!("revision = \"{own}\"\ndown_revision = {down}\n");
    let (a, b, c) = (step("a1", "None"), step("b2", "\"a1\""), step("c3", "(\"b2\",)"));
    let mut files = vec![
        ("db/env.py", ""),
        ("db/versions/2024/a.py", &*a),
        ("db/versions/2025/b.py", &*b),
        ("other/versions/c.py", &*c),
    ];
    let graph = |files: &[(&str, &str)]| {
        look(&migrations::VIEWS[0], files, &["folder", "count", "heads", "known"])
    };
    assert_eq!(graph(&files), ["db 2 b2 true", "other 1 c3 true"]);
    let missing = |files: &[(&str, &str)]| look(&migrations::VIEWS[1], files, &["missing"]);
    assert_eq!(missing(&files), ["", "", "b2"]);
    // A file that cannot be read may hold what is missing.
    files.push(("other/versions/d.py", "x = {{ name }} {\n"));
    assert_eq!(missing(&files), ["", "", ""]);
}
