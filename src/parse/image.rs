//! References to images: `registry/name:tag@digest`, the same for Dockerfiles and manifests.

use std::borrow::Cow;

use dockerfile_parser::ImageRef;

/// A reference to an image, taken apart. Absent parts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image<'a> {
    /// The host of the registry as written, with its port; empty means Docker Hub.
    pub registry: Cow<'a, str>,
    /// The repository without the registry: `nginx`, `library/nginx`, `org/app`.
    pub name: Cow<'a, str>,
    /// The tag; empty if none is written.
    pub tag: Cow<'a, str>,
    /// The digest, with its algorithm: `sha256:…`; empty if none is written.
    pub digest: Cow<'a, str>,
}

impl Image<'_> {
    /// Takes a reference apart. Any text gives an image; [`is_valid`] says whether it is one.
    pub fn parse(reference: &str) -> Image<'_> {
        let (rest, digest) = reference.split_once('@').unwrap_or((reference, ""));
        let parsed = ImageRef::parse(rest);
        let own = |text: Option<String>| Cow::Owned(text.unwrap_or_default());
        Image {
            registry: own(parsed.registry),
            name: Cow::Owned(parsed.image),
            tag: own(parsed.tag),
            digest: Cow::Borrowed(digest),
        }
    }

    /// The registry that is meant: Docker Hub where none is written.
    pub fn host(&self) -> &str {
        if self.registry.is_empty() { "docker.io" } else { &self.registry }
    }

    /// The last part of the name: `nginx` of `quay.io/org/nginx`.
    pub fn short(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// Whether the text is a reference that a registry would understand: lower-case name components,
/// a tag of word characters, a digest of hex digits.
pub fn is_valid(reference: &str) -> bool {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let (host, path) = match path.split_once('/') {
        Some((host, rest)) if is_host(host) => (Some(host), rest),
        _ => (None, path),
    };
    host.is_none_or(|it| it.split(':').count() <= 2)
        && !path.is_empty()
        && path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

fn is_host(text: &str) -> bool {
    (text == "localhost" || text.contains(['.', ':']) || text.contains(|c: char| c.is_uppercase()))
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b':'))
}

fn is_component(text: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|it| {
            it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'.' | b'_' | b'-')
        })
        && !text.contains("..")
        && !text.contains("___")
        && !text.contains("._")
        && !text.contains("_.")
}

fn is_tag(text: &str) -> bool {
    let word = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|it| word(it) || matches!(it, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|it| it.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found() {
        let image = Image::parse("localhost:5000/org/app:1.2@sha256:abc");
        assert_eq!(image.registry, "localhost:5000");
        assert_eq!((&*image.name, image.short()), ("org/app", "app"));
        assert_eq!((&*image.tag, &*image.digest), ("1.2", "sha256:abc"));
        let plain = Image::parse("nginx");
        assert_eq!((plain.host(), &*plain.tag), ("docker.io", ""));
    }

    #[test]
    fn what_no_registry_understands_is_told_apart() {
        let hex = "0".repeat(64);
        for good in ["nginx", "a/b:c", "x.io:5000/y@sha256:HEX", "foo__bar-baz:1.0_x"] {
            assert!(is_valid(&good.replace("HEX", &hex)), "{good}");
        }
        for bad in ["", "busybox:", "Nginx", "a//b", ":1", "nginx:-x", "a b"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
