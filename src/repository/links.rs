//! Who selects whom: Services, budgets, policies and autoscalers on one side, workloads on the
//! other, found once and kept in both directions.

use std::collections::HashMap;

use super::{
    labels::Selector,
    objects::{Class, Object, Objects, same_namespace},
};
use crate::document::Node;

/// How many policies that select a whole namespace are kept.
const WIDE: usize = 200;

/// An object that selects workloads, and those it selects.
#[derive(Debug)]
pub(super) struct Link<'a> {
    /// The selecting object, by index.
    pub(super) from: u32,
    /// How it selects.
    pub(super) selector: Selector<'a>,
    /// The selected workloads, by index.
    pub(super) to: Vec<u32>,
    /// It selects every pod of its namespace; `to` is empty then.
    pub(super) wide: bool,
}

/// All links, by selecting object, and back.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    /// The links of each selecting object.
    by_from: HashMap<u32, Vec<Link<'a>>>,
    /// The objects that for certain select a workload.
    by_workload: HashMap<u32, Vec<u32>>,
    /// Policies that select a whole namespace.
    wide: Vec<u32>,
    /// Ingresses and routes by the Service they lead to.
    routes: HashMap<u32, Vec<u32>>,
}

impl<'a> Links<'a> {
    /// Follows every selector and target of `objects`.
    pub(super) fn new(objects: &Objects<'a>) -> Self {
        let mut it = Self::default();
        for class in [Class::Service, Class::Budget, Class::Policy] {
            for from in objects.of(class).filter(|it| !objects.is_left_out(it)) {
                for selector in selectors(from) {
                    it.link(objects, from, selector);
                }
            }
        }
        for from in objects.of(Class::Autoscaler).filter(|it| !objects.is_left_out(it)) {
            let to: Vec<u32> = target(objects, from).iter().map(|it| it.id).collect();
            it.keep(
                objects,
                Link { from: from.id, selector: Selector::default(), to, wide: false },
            );
        }
        for class in [Class::Ingress, Class::Route] {
            for from in objects.of(class).filter(|it| !objects.is_left_out(it)) {
                it.route(objects, from);
            }
        }
        it
    }

    fn link(&mut self, objects: &Objects<'a>, from: &Object<'a>, selector: Selector<'a>) {
        let selects_all = selector.is_empty() && !selector.unclear;
        let wide = selects_all && from.class != Class::Service;
        let found = match wide || selector.unclear || selects_all {
            true => Vec::new(),
            false => objects.selected(from, &selector),
        };
        if wide && from.class == Class::Policy && self.wide.len() < WIDE {
            self.wide.push(from.id);
        }
        let to = found.iter().map(|it| it.id).collect();
        self.keep(objects, Link { from: from.id, selector, to, wide });
    }

    fn keep(&mut self, objects: &Objects<'a>, link: Link<'a>) {
        let from = objects.get(link.from);
        for &to in link.to.iter().filter(|&&to| objects.is_firm(from, objects.get(to))) {
            self.by_workload.entry(to).or_default().push(link.from);
        }
        self.by_from.entry(link.from).or_default().push(link);
    }

    fn route(&mut self, objects: &Objects<'a>, from: &Object<'a>) {
        for backend in super::ingress::backends(from) {
            for service in objects.named(from, Class::Service, backend.name) {
                self.routes.entry(service.id).or_default().push(from.id);
            }
        }
    }

    /// The links of a selecting object; it has several where it holds several policies.
    pub(super) fn of(&self, from: &Object<'a>) -> &[Link<'a>] {
        self.by_from.get(&from.id).map_or(&[], Vec::as_slice)
    }

    /// The one link of a selecting object.
    pub(super) fn first(&self, from: &Object<'a>) -> Option<&Link<'a>> {
        self.of(from).first()
    }

    /// The objects of a class that select a workload.
    pub(super) fn selecting<'o>(
        &'o self,
        objects: &'o Objects<'a>,
        workload: &'o Object<'a>,
        class: Class,
    ) -> impl Iterator<Item = &'o Object<'a>> {
        let direct = self.by_workload.get(&workload.id).into_iter().flatten();
        let direct = direct.map(|&at| objects.get(at)).filter(move |it| it.class == class);
        let wide = self.wide.iter().map(|&at| objects.get(at));
        let wide = wide.filter(move |it| {
            let everywhere = it.kind == "CiliumClusterwideNetworkPolicy";
            it.class == class && (everywhere || same_namespace(it, workload))
        });
        direct.chain(wide)
    }

    /// The Ingresses and routes that lead to a Service.
    pub(super) fn routes<'o>(
        &'o self,
        objects: &'o Objects<'a>,
        service: &Object<'a>,
    ) -> impl Iterator<Item = &'o Object<'a>> {
        self.routes.get(&service.id).into_iter().flatten().map(|&at| objects.get(at))
    }
}

/// The selectors of an object: one, but for Cilium's policies, which may hold several.
fn selectors<'a>(from: &Object<'a>) -> Vec<Selector<'a>> {
    match from.class {
        Class::Service => vec![Selector::of_map(from.spec("selector"))],
        Class::Policy if from.group == "cilium.io" => {
            let one = from.node.get("spec").into_iter();
            let specs = from.node.get("specs").into_iter().flat_map(Node::children);
            one.chain(specs).filter_map(|it| it.get("endpointSelector")).map(Selector::of).collect()
        }
        Class::Policy => vec![from.spec("podSelector").map(Selector::of).unwrap_or_default()],
        // A budget without a selector selects nothing; one with an empty selector selects all.
        _ => from.spec("selector").map(Selector::of).into_iter().collect(),
    }
}

/// What an autoscaler scales.
fn target<'o, 'a>(objects: &'o Objects<'a>, from: &Object<'a>) -> Vec<&'o Object<'a>> {
    let Some(target) = from.spec("scaleTargetRef") else { return Vec::new() };
    let default = if from.kind == "ScaledObject" { "Deployment" } else { "" };
    let kind = target.str("kind").unwrap_or(default);
    let mut found = objects.named(from, Class::Workload, target.str("name").unwrap_or_default());
    found.retain(|it| it.kind == kind);
    found
}
