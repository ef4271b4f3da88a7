//! What the service has, as far as files tell: an HTTP interface, a database, sessions.
//!
//! A checklist item applies only where what it is about is there. A fact is established by a
//! package that the repository depends on, an image that it deploys, or an artifact that it holds.

use std::collections::BTreeSet;

use crate::{artifact::Kind, checklist::Fact, repository::Repository, source::behind};

/// Names of packages and images, by what using one of them establishes. They are looked for as
/// whole words in dependency manifests, Compose files and Kubernetes images.
const SIGNS: &[(Fact, &[&str])] = &[
    (
        Fact::Http,
        &[
            "fastapi",
            "flask",
            "django",
            "starlette",
            "aiohttp",
            "tornado",
            "express",
            "koa",
            "fastify",
            "@nestjs/core",
            "next",
            "github.com/gin-gonic/gin",
            "github.com/labstack/echo",
            "github.com/go-chi/chi",
            "axum",
            "actix-web",
            "uvicorn",
            "gunicorn",
        ],
    ),
    (
        Fact::Database,
        &[
            "sqlalchemy",
            "sqlmodel",
            "psycopg",
            "psycopg2",
            "psycopg2-binary",
            "asyncpg",
            "django",
            "pymongo",
            "motor",
            "mysqlclient",
            "aiomysql",
            "pymysql",
            "alembic",
            "tortoise-orm",
            "pg",
            "mysql2",
            "mongoose",
            "mongodb",
            "prisma",
            "@prisma/client",
            "typeorm",
            "sequelize",
            "knex",
            "gorm.io/gorm",
            "github.com/jackc/pgx",
            "github.com/lib/pq",
            "sqlx",
            "diesel",
            "tokio-postgres",
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "mongo",
        ],
    ),
    (
        Fact::Cache,
        &["redis", "ioredis", "aioredis", "memcached", "pymemcache", "valkey", "fastapi-cache2"],
    ),
    (
        Fact::Tokens,
        &["pyjwt", "python-jose", "authlib", "joserfc", "jsonwebtoken", "jose", "fastapi-users"],
    ),
    (
        Fact::Oauth,
        &["authlib", "fastapi-sso", "httpx-oauth", "google-auth", "passport-oauth2", "oauthlib"],
    ),
    (Fact::Sessions, &["itsdangerous", "express-session", "flask-session", "starsessions"]),
    (Fact::Passwords, &["passlib", "bcrypt", "argon2-cffi", "pwdlib", "argon2"]),
    (Fact::OutboundCalls, &["httpx", "requests", "axios", "reqwest", "got"]),
    (
        Fact::FeatureFlags,
        &["unleashclient", "launchdarkly-server-sdk", "flagsmith", "openfeature-sdk"],
    ),
];

/// Modules that Python code imports, by what importing one establishes.
const IMPORTS: &[(Fact, &[&str])] = &[
    (
        Fact::Database,
        &[
            "sqlalchemy",
            "sqlmodel",
            "asyncpg",
            "psycopg",
            "psycopg2",
            "pymongo",
            "motor",
            "tortoise",
            "django",
            "peewee",
            "databases",
            "pymysql",
            "aiosqlite",
        ],
    ),
    (Fact::Cache, &["redis", "aioredis", "aiocache", "fastapi_cache", "pymemcache", "cashews"]),
    (Fact::Tokens, &["jwt", "jose", "joserfc", "fastapi_users", "flask_jwt_extended"]),
    (Fact::Oauth, &["authlib", "fastapi_sso", "httpx_oauth", "oauthlib", "requests_oauthlib"]),
    (Fact::Sessions, &["itsdangerous", "starsessions", "flask_login", "flask_session"]),
    (Fact::Passwords, &["passlib", "bcrypt", "argon2", "pwdlib", "flask_bcrypt"]),
    (Fact::OutboundCalls, &["httpx", "requests", "aiohttp", "urllib3", "grpc"]),
    (Fact::FeatureFlags, &["UnleashClient", "ldclient", "flagsmith", "openfeature", "growthbook"]),
];

/// Calls of Python code, by the end of their path, and what they establish.
const CALLS: &[(Fact, &[&str])] = &[
    (Fact::Tokens, &["jwt.encode", "jwt.decode", "OAuth2PasswordBearer"]),
    (Fact::Sessions, &["SessionMiddleware", ".set_cookie"]),
    (Fact::StaticAssets, &["StaticFiles"]),
    (Fact::Passwords, &["CryptContext", "bcrypt.hashpw"]),
];

/// What the code of the services establishes.
fn python(repository: &Repository<'_>, facts: &mut BTreeSet<Fact>) {
    for service in repository.services() {
        facts.insert(Fact::Http);
        for (fact, names) in IMPORTS {
            if names.iter().any(|it| service.packages.contains(it)) {
                facts.insert(*fact);
            }
        }
        for (fact, ends) in CALLS {
            if service.callees.iter().any(|it| ends.iter().any(|end| it.ends_with(end))) {
                facts.insert(*fact);
            }
        }
    }
    if facts.contains(&Fact::Passwords) && facts.contains(&Fact::Database) {
        facts.insert(Fact::PersonalData);
    }
}

/// The files whose words tell of packages and images.
fn tells(name: &str) -> bool {
    matches!(name, "pyproject.toml" | "package.json" | "go.mod" | "cargo.toml" | "requirements.txt")
        || name.contains("compose")
}

/// What the files of the repository establish.
pub fn facts(repository: &Repository<'_>) -> BTreeSet<Fact> {
    let mut facts = BTreeSet::new();
    let kinds = [
        (Kind::Dockerfile, Fact::Dockerfile),
        (Kind::Kubernetes, Fact::Kubernetes),
        (Kind::Makefile, Fact::Makefile),
        (Kind::Runner, Fact::Makefile),
        (Kind::Openapi, Fact::Openapi),
        (Kind::Openapi, Fact::Http),
    ];
    for (kind, fact) in kinds {
        if repository.of(kind).next().is_some() {
            facts.insert(fact);
        }
    }
    python(repository, &mut facts);
    for source in repository.texts.values() {
        if tells(&source.name().to_ascii_lowercase()) {
            words(&source.text, &mut facts);
        }
    }
    for artifact in repository.of(Kind::Kubernetes) {
        let text = &artifact.tree.source.text;
        behind(text, "image:").for_each(|image| words(image, &mut facts));
        if behind(text, "kind: Ingress").any(str::is_empty) {
            facts.insert(Fact::Http);
        }
    }
    facts
}

fn words(text: &str, facts: &mut BTreeSet<Fact>) {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@'));
    for word in text.split(ends).filter(|it| !it.is_empty()) {
        let word = word.to_ascii_lowercase();
        let last = word.rsplit('/').next().unwrap_or(&word);
        for (fact, names) in SIGNS {
            let says = || names.contains(&word.as_str()) || names.contains(&last);
            if !facts.contains(fact) && says() {
                facts.insert(*fact);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_whole_words() {
        let mut facts = BTreeSet::new();
        words("fastapi==0.1\npostgresql-client\n", &mut facts);
        assert_eq!(facts, BTreeSet::from([Fact::Http]));
        words("image: \"docker.io/library/postgres:16\"", &mut facts);
        assert!(facts.contains(&Fact::Database));
    }
}
