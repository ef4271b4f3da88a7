//! Bodies, responses and their media types, before a change and after it.

use super::{Operation, Side, Walk, Way, is_required, schema::Name};
use crate::document::Node;

/// A media type and its schema.
type Media<'t> = (String, Option<Node<'t>>);

/// The body of a request: where it is written, whether it must be sent, and what it may be.
type Body<'t> = (Node<'t>, bool, Vec<Media<'t>>);

/// A media type without its parameters; nothing for one that was not told.
fn plain(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether one media type, perhaps a range, takes in another.
fn covers(range: &str, media: &str) -> bool {
    if range.is_empty() || media.is_empty() || range == media || range == "*/*" {
        return true;
    }
    range.strip_suffix('*').is_some_and(|it| it.ends_with('/') && media.starts_with(it))
}

impl<'t> Side<'t> {
    /// The media types of a body, a response or a parameter in 3.x.
    fn content(holder: Node<'t>) -> Vec<Media<'t>> {
        let content = holder.get("content").into_iter().flat_map(Node::entries);
        content.map(|(media, it)| (plain(media), it.get("schema"))).collect()
    }

    /// What an operation takes or gives in 2.0, with the schema that holds for all of it.
    fn listed(&self, operation: Node<'t>, key: &str, schema: Node<'t>) -> Vec<Media<'t>> {
        let listed = operation.get(key).or_else(|| self.root.get(key));
        let names: Vec<_> = listed.into_iter().flat_map(Node::children).map(Node::text).collect();
        match names.is_empty() {
            true => vec![(String::new(), Some(schema))],
            false => names.into_iter().map(|it| (plain(it), Some(schema))).collect(),
        }
    }

    /// The body of a request, if it has one; nothing at all if that is in another file.
    fn body(&self, it: Operation<'t>) -> Option<Option<Body<'t>>> {
        if self.version.major != 2 {
            let Some(written) = it.node.get("requestBody") else { return Some(None) };
            let body = self.refs.resolve(written)?;
            return Some(Some((body, is_required(body), Self::content(body))));
        }
        let all = self.parameters(it)?;
        let Some(body) = all.into_iter().find(|it| it.str("in") == Some("body")) else {
            return Some(None);
        };
        let Some(schema) = body.get("schema") else { return Some(None) };
        Some(Some((body, is_required(body), self.listed(it.node, "consumes", schema))))
    }
}

impl<'o, 'n> Walk<'_, 'o, 'n> {
    pub(super) fn bodies(&mut self, old: Operation<'o>, new: Operation<'n>) {
        let (Some(before), Some(now)) = (self.old.body(old), self.new.body(new)) else { return };
        let part = "the request body";
        match (before, now) {
            (None, Some((at, true, _))) => self.note("body-required", at, part, ("", "new")),
            (Some(_), None) => self.note("body-removed", new.node, part, ("", "")),
            (Some(before), Some(now)) => {
                if now.1 && !before.1 {
                    let at = now.0.get("required").unwrap_or(now.0);
                    self.note("body-required", at, part, ("", ""));
                }
                self.medias((before.0, &before.2), (now.0, &now.2), Way::Request, part);
            }
            _ => {}
        }
    }

    pub(super) fn media(&mut self, old: Node<'o>, new: Node<'n>, way: Way, part: &str) {
        let (before, now) = (Side::content(old), Side::content(new));
        self.medias((old, &before), (new, &now), way, part);
    }

    fn medias(
        &mut self,
        (old, before): (Node<'o>, &[Media<'o>]),
        (new, now): (Node<'n>, &[Media<'n>]),
        way: Way,
        part: &str,
    ) {
        if !self.contents.insert((old.id(), new.id(), way)) {
            return;
        }
        let mut gone = Vec::new();
        for (media, schema) in before {
            // What is sent may become narrower; what is taken may become wider.
            let same = now.iter().find(|it| it.0 == *media);
            let other = same.or_else(|| {
                now.iter().find(|it| match way {
                    Way::Request => covers(&it.0, media),
                    Way::Response => covers(media, &it.0),
                })
            });
            let Some(other) = other else {
                gone.push(media.as_str());
                continue;
            };
            if let (Some(before), Some(now)) = (*schema, other.1) {
                self.pairs.open(before, now, way, Name::new(part), &self.operation);
            }
        }
        if !gone.is_empty() {
            let left: Vec<_> = now.iter().map(|it| it.0.as_str()).collect();
            let at = new.get("content").unwrap_or(new);
            let told = (gone.join("`, `"), left.join("`, `"));
            self.note("media-type-removed", at, part, (&told.0, &told.1));
        }
    }

    pub(super) fn responses(&mut self, old: Operation<'o>, new: Operation<'n>) {
        let Some(before) = old.node.get("responses").filter(|it| it.is_map()) else { return };
        let Some(now) = new.node.get("responses").filter(|it| it.is_map()) else { return };
        let (Some(before), Some(now)) = (self.old.refs.resolve(before), self.new.refs.resolve(now))
        else {
            return;
        };
        let mut gone = Vec::new();
        for (code, written) in before.entries().filter(|it| !it.0.starts_with("x-")) {
            let range = || code.get(..1).and_then(|it| now.get(&format!("{it}XX")));
            let Some(other) = now.get(code).or_else(range) else {
                gone.push(code);
                continue;
            };
            let sides = (self.old.refs.resolve(written), self.new.refs.resolve(other));
            if let (Some(written), Some(other)) = sides {
                self.response((old.node, written), (new.node, other), code);
            }
        }
        let left: Vec<_> =
            now.entries().map(|it| it.0).filter(|it| !it.starts_with("x-")).collect();
        for code in gone {
            let class = if code.starts_with('2') { "success-removed" } else { "error-removed" };
            if class == "success-removed" || !left.contains(&"default") {
                self.note(class, now, code, (code, &left.join("`, `")));
            }
        }
    }

    fn response(&mut self, old: (Node<'o>, Node<'o>), new: (Node<'n>, Node<'n>), code: &str) {
        let part = format!("the response {code}");
        self.headers(old.1, new.1, &part);
        if self.old.version.major != 2 && self.new.version.major != 2 {
            return self.media(old.1, new.1, Way::Response, &part);
        }
        let content =
            |side: &Side<'_>, it: Node<'_>| side.version.major == 2 && it.get("schema").is_none();
        if content(self.old, old.1) || content(self.new, new.1) {
            return;
        }
        let before = match self.old.version.major {
            2 => old.1.get("schema").map(|it| self.old.listed(old.0, "produces", it)),
            _ => Some(Side::content(old.1)),
        };
        let now = match self.new.version.major {
            2 => new.1.get("schema").map(|it| self.new.listed(new.0, "produces", it)),
            _ => Some(Side::content(new.1)),
        };
        if let (Some(before), Some(now)) = (before, now) {
            self.medias((old.1, &before), (new.1, &now), Way::Response, &part);
        }
    }

    fn headers(&mut self, old: Node<'o>, new: Node<'n>, part: &str) {
        if !self.contents.insert((old.id(), new.id(), Way::Request)) {
            return;
        }
        let now = new.get("headers");
        let known: Vec<_> = now.into_iter().flat_map(Node::entries).collect();
        for (name, written) in old.get("headers").into_iter().flat_map(Node::entries) {
            let other = known.iter().find(|it| it.0.eq_ignore_ascii_case(name));
            let Some(&(_, other)) = other else {
                let at = now.unwrap_or(new);
                self.note("response-header-removed", at, part, (name, ""));
                continue;
            };
            let sides = (self.old.refs.resolve(written), self.new.refs.resolve(other));
            if let (Some(before), Some(now)) = sides {
                let name = Name::new(&format!("the header `{name}` of {part}"));
                if let (Some(before), Some(now)) = (before.get("schema"), now.get("schema")) {
                    self.pairs.open(before, now, Way::Response, name, &self.operation);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn ranges_take_in_what_they_name() {
        assert!(covers("*/*", "application/json"));
        assert!(covers("application/*", "application/json"));
        assert!(!covers("text/*", "application/json"));
        assert!(covers("", "application/json"));
        assert!(!covers("application/json", "application/xml"));
    }
}
