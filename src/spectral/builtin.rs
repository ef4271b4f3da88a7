//! The rules of the rulesets that Spectral users extend and that we have rules of our own for.

use super::load::Level;

/// A ruleset that we know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `spectral:oas`.
    Oas,
    /// The OWASP API Security ruleset.
    Owasp,
    /// Rulesets for other kinds of document: nothing of them applies here.
    Other,
}

impl Known {
    /// The ruleset that a name or an address stands for.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "spectral:oas" => Some(Self::Oas),
            "spectral:asyncapi" | "spectral:arazzo" => Some(Self::Other),
            _ if name.contains("@stoplight/spectral-owasp-ruleset") => Some(Self::Owasp),
            _ => None,
        }
    }

    /// How the ids of its rules start in `equivalents`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Owasp => "owasp:",
            Self::Oas | Self::Other => "spectral:",
        }
    }

    /// Its rules: their names, how bad they are, and whether they are recommended.
    pub fn rules(self) -> impl Iterator<Item = (&'static str, Level, bool)> {
        let lists: &[(Level, bool, &[&'static str])] = match self {
            Self::Oas => OAS,
            Self::Owasp => OWASP,
            Self::Other => &[],
        };
        lists.iter().flat_map(|(level, recommended, names)| {
            names.iter().map(|name| (*name, *level, *recommended))
        })
    }
}

type Lists = &'static [(Level, bool, &'static [&'static str])];

const OAS: Lists = &[
    (
        Level::Error,
        true,
        &[
            "operation-operationId-unique",
            "path-params",
            "openapi-tags-uniqueness",
            "no-$ref-siblings",
            "array-items",
            "oas2-discriminator",
            "oas2-valid-schema-example",
            "oas2-valid-media-example",
            "oas2-schema",
            "oas3-valid-media-example",
            "oas3-valid-schema-example",
            "oas3-schema",
            "oas3-server-variables",
        ],
    ),
    (
        Level::Warn,
        true,
        &[
            "operation-success-response",
            "oas2-operation-formData-consume-check",
            "operation-parameters",
            "operation-tag-defined",
            "duplicated-entry-in-enum",
            "info-contact",
            "info-description",
            "no-eval-in-markdown",
            "no-script-tags-in-markdown",
            "operation-description",
            "operation-operationId",
            "operation-operationId-valid-in-url",
            "operation-tags",
            "path-declarations-must-exist",
            "path-keys-no-trailing-slash",
            "path-not-include-query",
            "typed-enum",
            "oas2-api-host",
            "oas2-api-schemes",
            "oas2-host-trailing-slash",
            "oas2-operation-security-defined",
            "oas2-anyOf",
            "oas2-oneOf",
            "oas2-unused-definition",
            "oas3-api-servers",
            "oas3-examples-value-or-externalValue",
            "oas3-operation-security-defined",
            "oas3-server-trailing-slash",
            "oas3-unused-component",
            "oas3-callbacks-in-callbacks",
            "oas3_1-servers-in-webhook",
            "oas3_1-callbacks-in-webhook",
            "oas3_2-no-deprecated-xml-attribute",
        ],
    ),
    (
        Level::Warn,
        false,
        &[
            "contact-properties",
            "info-license",
            "license-url",
            "openapi-tags-alphabetical",
            "openapi-tags",
            "operation-singular-tag",
            "tag-description",
            "oas2-host-not-example",
            "oas2-parameter-description",
            "oas3-parameter-description",
            "oas3-server-not-example.com",
        ],
    ),
];

const OWASP: Lists = &[
    (
        Level::Error,
        true,
        &[
            "owasp:api1:2023-no-numeric-ids",
            "owasp:api2:2023-no-http-basic",
            "owasp:api2:2023-no-api-keys-in-url",
            "owasp:api2:2023-no-credentials-in-url",
            "owasp:api2:2023-auth-insecure-schemes",
            "owasp:api2:2023-jwt-best-practices",
            "owasp:api2:2023-short-lived-access-tokens",
            "owasp:api2:2023-write-restricted",
            "owasp:api4:2023-rate-limit",
            "owasp:api4:2023-rate-limit-retry-after",
            "owasp:api4:2023-array-limit",
            "owasp:api4:2023-string-limit",
            "owasp:api4:2023-integer-limit",
            "owasp:api4:2023-integer-limit-legacy",
            "owasp:api4:2023-integer-format",
            "owasp:api5:2023-admin-security-unique",
            "owasp:api8:2023-define-cors-origin",
            "owasp:api8:2023-no-scheme-http",
            "owasp:api8:2023-no-server-http",
            "owasp:api9:2023-inventory-access",
            "owasp:api9:2023-inventory-environment",
        ],
    ),
    (
        Level::Warn,
        true,
        &[
            "owasp:api2:2023-read-restricted",
            "owasp:api3:2023-no-additionalProperties",
            "owasp:api3:2023-constrained-additionalProperties",
            "owasp:api3:2023-no-unevaluatedProperties",
            "owasp:api3:2023-constrained-unevaluatedProperties",
            "owasp:api4:2023-rate-limit-responses-429",
            "owasp:api4:2023-string-restricted",
            "owasp:api8:2023-define-error-validation",
            "owasp:api8:2023-define-error-responses-401",
            "owasp:api8:2023-define-error-responses-500",
        ],
    ),
    (Level::Info, true, &["owasp:api7:2023-concerning-url-parameter"]),
];
