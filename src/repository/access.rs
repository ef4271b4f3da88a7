//! Role bindings and service accounts: whether what they name is there, and what it allows.

use super::{
    Repository, brief,
    labels::is_template,
    objects::{Class, Object},
    record,
};
use crate::{
    artifact::{Emit, Field, Kind, Select, Shape, Subject, View, kubernetes::is_filled_in},
    document::Node,
    value::Value,
};

const FIELDS: &[Field] = &[
    Field { name: "kind", shape: Shape::Text, means: "`RoleBinding` or `ClusterRoleBinding`" },
    Field { name: "name", shape: Shape::Text, means: "its name" },
    Field { name: "object", shape: Shape::Any, means: "the object" },
    Field { name: "role_kind", shape: Shape::Text, means: "`Role` or `ClusterRole`" },
    Field { name: "role_name", shape: Shape::Text, means: "the name of the role" },
    Field { name: "role", shape: Shape::Any, means: "the role, if it is in the repository" },
    Field { name: "rules", shape: Shape::Any, means: "the rules of the role" },
    Field { name: "builtin", shape: Shape::Bool, means: "whether every cluster has the role" },
    Field { name: "subjects", shape: Shape::Any, means: "who is bound" },
    Field { name: "certain", shape: Shape::Bool, means: "whether the repository keeps roles near" },
];

/// One subject for each RoleBinding and ClusterRoleBinding.
pub(super) const VIEW: View = View {
    name: "repository.role_binding",
    kind: Kind::Repository,
    means: "a RoleBinding or ClusterRoleBinding, with the role it binds",
    vars: &[Field { name: "it", shape: Shape::Record(FIELDS), means: "the binding" }],
    select: Select::Repository(bindings),
};

fn bindings<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    let objects = &repository.objects;
    for from in objects.of(Class::Binding).filter(|it| !it.template) {
        let Some(reference) = from.node.get("roleRef") else { continue };
        let (kind, name) = (reference.str("kind"), reference.str("name"));
        let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
        if is_template(name) {
            continue;
        }
        let namespace = if kind == "Role" { from.namespace } else { "" };
        let mut found = objects.named_in(from, namespace, Class::Role, name);
        found.retain(|it| it.kind == kind);
        let role = found.first();
        let elsewhere = kind == "ClusterRole" && objects.has_open_chart(from);
        let certain = !elsewhere && objects.is_certain(from, Class::Role);
        emit(Subject {
            values: vec![record([
                ("kind", Value::Str(from.kind)),
                ("name", Value::Str(from.name)),
                ("object", Value::Node(from.node)),
                ("role_kind", Value::Str(kind)),
                ("role_name", Value::Str(name)),
                ("role", role.map_or(Value::Null, |it| brief(it))),
                ("rules", Value::maybe(role.and_then(|it| it.node.get("rules")))),
                ("builtin", Value::Bool(is_builtin(kind, name))),
                ("subjects", Value::maybe(from.node.get("subjects"))),
                ("certain", Value::Bool(certain)),
            ])],
            at: reference.get("name").unwrap_or(reference),
            object: Some(from.identity()),
        });
    }
}

fn is_builtin(kind: &str, name: &str) -> bool {
    let own = match kind {
        "ClusterRole" => matches!(
            name,
            "admin"
                | "cluster-admin"
                | "edit"
                | "view"
                // Those of OpenShift.
                | "basic-user"
                | "cluster-monitoring-view"
                | "cluster-reader"
                | "cluster-status"
                | "monitoring-edit"
                | "monitoring-rules-edit"
                | "monitoring-rules-view"
                | "self-provisioner"
                | "sudoer"
        ),
        _ => name == "extension-apiserver-authentication-reader",
    };
    own || name.starts_with("system:") || name.starts_with("kubeadm:")
}

const ACCOUNT_FIELDS: &[Field] = &[
    Field { name: "name", shape: Shape::Text, means: "the ServiceAccount" },
    Field { name: "kind", shape: Shape::Text, means: "the kind of the object that names it" },
    Field { name: "found", shape: Shape::Bool, means: "whether it is in the repository" },
    Field { name: "object", shape: Shape::Any, means: "the object that names it" },
    Field { name: "certain", shape: Shape::Bool, means: "whether the repository keeps such near" },
];

/// One subject for each ServiceAccount that a binding names.
pub(super) const ACCOUNT: View = View {
    name: "repository.bound_account",
    kind: Kind::Repository,
    means: "a ServiceAccount that a RoleBinding or ClusterRoleBinding names",
    vars: &[Field { name: "it", shape: Shape::Record(ACCOUNT_FIELDS), means: "the account" }],
    select: Select::Repository(accounts),
};

fn accounts<'a>(repository: &'a Repository<'a>, emit: Emit<'_, 'a>) {
    for from in repository.objects.of(Class::Binding).filter(|it| !it.template) {
        let subjects = from.node.get("subjects").into_iter().flat_map(Node::children);
        for node in subjects.filter(|it| it.str("kind") == Some("ServiceAccount")) {
            let name = node.str("name").unwrap_or_default();
            if !is_template(name) && !name.is_empty() {
                emit(account(repository, from, node, name));
            }
        }
    }
}

fn account<'a>(
    repository: &'a Repository<'a>,
    from: &Object<'a>,
    node: Node<'a>,
    name: &'a str,
) -> Subject<'a> {
    let objects = &repository.objects;
    let named = node.str("namespace").filter(|it| !is_template(it)).unwrap_or_default();
    // A kustomization may move the accounts it holds; then the namespace says nothing.
    let namespace = if from.namespace.is_empty() { "" } else { named };
    // An account in a namespace where nothing here puts one belongs to another deployment.
    let is_platform = named.starts_with("kube-") || named.starts_with("openshift-");
    let open = (from.unit.is_none() || named == "default") && !is_platform;
    let in_it = |it: &Object<'_>| it.namespace == named || open && it.namespace.is_empty();
    let mut beside = objects.of(Class::Account).take(1000).filter(|it| objects.together(from, it));
    let ours = named.is_empty() || beside.any(in_it);
    // A name that is a setting of a chart may be that of an account which others make.
    let is_setting = node.get("name").is_some_and(|it| {
        let (file, span) = it.place();
        is_filled_in(it) && file.slice(span).contains(".Values")
    });
    let found =
        name == "default" || !objects.named_in(from, namespace, Class::Account, name).is_empty();
    Subject {
        values: vec![record([
            ("name", Value::Str(name)),
            ("kind", Value::Str(from.kind)),
            ("found", Value::Bool(found)),
            ("object", Value::Node(from.node)),
            (
                "certain",
                Value::Bool(ours && !is_setting && objects.is_certain(from, Class::Account)),
            ),
        ])],
        at: node.get("name").unwrap_or(node),
        object: Some(from.identity()),
    }
}
