//! What names stand for: imports, instances of what was called, constants of the module.

use std::collections::HashMap;

use ruff_python_ast::{Expr, Stmt, StmtImport, StmtImportFrom};

/// What a name stands for.
#[derive(Clone, Debug)]
enum Meaning {
    /// An import: the dotted path of what it names.
    Path(String),
    /// What a call returned: the dotted path of what was called, with `()`.
    Instance(String),
    /// Something else that hides what stood there.
    Other,
}

/// The names of a module, and of the functions around the place that is looked at.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    names: Vec<HashMap<String, Meaning>>,
    constants: HashMap<&'a str, Option<&'a Expr>>,
    /// The dotted path of the package that relative imports start from.
    package: Vec<String>,
    /// The imports of the module itself, for others that import from it: name and path.
    pub exports: Vec<(String, String)>,
}

impl<'a> Scope<'a> {
    /// The scope of the module at `path` with this body.
    pub fn new(path: &str, body: &'a [Stmt]) -> Self {
        let folder = path.rsplit_once('/').map_or("", |it| it.0);
        let package = folder.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let mut scope = Self { names: vec![HashMap::new()], package, ..Self::default() };
        for stmt in body {
            scope.constant(stmt);
        }
        scope
    }

    /// Notes a name of the module that is assigned once.
    fn constant(&mut self, stmt: &'a Stmt) {
        let (target, value) = match stmt {
            Stmt::Assign(it) if it.targets.len() == 1 => (&it.targets[0], &*it.value),
            Stmt::AnnAssign(it) => match &it.value {
                Some(value) => (&*it.target, &**value),
                None => return,
            },
            _ => return,
        };
        if let Expr::Name(name) = target {
            self.constants
                .entry(name.id.as_str())
                .and_modify(|it| *it = None)
                .or_insert(Some(value));
        }
    }

    /// The value of a constant of the module, if the name is one and nothing hides it.
    pub fn constant_of(&self, name: &str) -> Option<&'a Expr> {
        let hidden = self.names[1..].iter().any(|it| it.contains_key(name));
        self.constants.get(name).copied().flatten().filter(|_| !hidden)
    }

    /// Goes into a function or a class.
    pub fn enter(&mut self) {
        self.names.push(HashMap::new());
    }

    /// Leaves it again.
    pub fn leave(&mut self) {
        if self.names.len() > 1 {
            self.names.pop();
        }
    }

    /// A parameter or a loop variable hides what stood there.
    pub fn hide(&mut self, name: &str) {
        self.set(name.to_owned(), Meaning::Other);
    }

    fn set(&mut self, name: String, meaning: Meaning) {
        if let Some(top) = self.names.last_mut() {
            top.insert(name, meaning);
        }
    }

    /// `import a.b as c`.
    pub fn import(&mut self, stmt: &StmtImport) {
        for alias in &stmt.names {
            match &alias.asname {
                Some(name) => self.bind(name.as_str(), alias.name.as_str().to_owned()),
                None => {
                    let top = alias.name.split('.').next().unwrap_or_default();
                    self.bind(top, top.to_owned());
                }
            }
        }
    }

    /// `from a import b as c`.
    pub fn import_from(&mut self, stmt: &StmtImportFrom) {
        let module = stmt.module.as_ref().map_or("", |it| it.as_str());
        let base = self.base(stmt.level, module);
        for alias in &stmt.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.bind(name.as_str(), format!("{base}.{}", alias.name.as_str()));
        }
    }

    fn base(&self, level: u32, module: &str) -> String {
        if level == 0 {
            return module.to_owned();
        }
        let keep = self.package.len().saturating_sub(level as usize - 1);
        let mut parts: Vec<&str> = self.package[..keep].iter().map(String::as_str).collect();
        parts.extend((!module.is_empty()).then_some(module));
        parts.join(".")
    }

    fn bind(&mut self, name: &str, path: String) {
        if self.names.len() == 1 {
            self.exports.push((name.to_owned(), path.clone()));
        }
        self.set(name.to_owned(), Meaning::Path(path));
    }

    /// `target = value`: what is called gives an instance; anything else hides.
    pub fn assign(&mut self, target: &Expr, value: &Expr) {
        let Some(name) = written(target) else { return };
        let meaning = match value {
            Expr::Call(_) => self.path(value).map_or(Meaning::Other, Meaning::Instance),
            Expr::Await(it) if it.value.is_call_expr() => {
                self.path(&it.value).map_or(Meaning::Other, Meaning::Instance)
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                self.path(value).map_or(Meaning::Other, Meaning::Path)
            }
            _ => Meaning::Other,
        };
        let is_own = matches!(&meaning, Meaning::Path(path) if *path == name);
        if !is_own {
            // `self.client = …` in one method is read in another: it belongs to the class.
            let at = self.names.len().saturating_sub(if name.starts_with("self.") { 2 } else { 1 });
            self.names[at].insert(name, meaning);
        }
    }

    /// `name: Type`: an instance of the type.
    pub fn annotate(&mut self, name: &str, annotation: &Expr) {
        let meaning = match annotation {
            Expr::Name(_) | Expr::Attribute(_) => {
                self.path(annotation).map_or(Meaning::Other, |it| Meaning::Instance(it + "()"))
            }
            _ => Meaning::Other,
        };
        self.set(name.to_owned(), meaning);
    }

    fn find(&self, name: &str) -> Option<&str> {
        match self.names.iter().rev().find_map(|it| it.get(name))? {
            Meaning::Path(path) | Meaning::Instance(path) => Some(path),
            Meaning::Other => None,
        }
    }

    /// The dotted path of an expression, as far as it has one: `fastapi.FastAPI().get`.
    pub fn path(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(it) => Some(self.find(&it.id).unwrap_or(&it.id).to_owned()),
            Expr::Attribute(it) => {
                if it.value.is_name_expr()
                    && let Some(own) = written(expr).and_then(|it| self.find(&it))
                {
                    return Some(own.to_owned());
                }
                let mut path = self.path(&it.value)?;
                path.push('.');
                path.push_str(it.attr.as_str());
                Some(path)
            }
            Expr::Call(it) => {
                let mut path = self.path(&it.func)?;
                path.push_str("()");
                Some(path)
            }
            Expr::Await(it) => self.path(&it.value),
            Expr::Subscript(it) => {
                let mut path = self.path(&it.value)?;
                path.push_str("[]");
                Some(path)
            }
            _ => None,
        }
    }
}

/// `a`, `self.a`: the text of a target.
fn written(target: &Expr) -> Option<String> {
    match target {
        Expr::Name(it) => Some(it.id.as_str().to_owned()),
        Expr::Attribute(it) => match &*it.value {
            Expr::Name(base) => Some(format!("{}.{}", base.id, it.attr)),
            _ => None,
        },
        _ => None,
    }
}
