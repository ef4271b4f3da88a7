//! The whole pass over a generated repository of 5,000 manifests and 500 Dockerfiles, and start-up.

use std::{fs, path::Path, process::Command};

use divan::{Bencher, counter::BytesCount};
use globset::GlobSet;
use seaworthy::{
    discover,
    evaluate::evaluate,
    rule::{Profile, RuleSet},
};

fn main() {
    divan::main();
}

fn manifest(n: usize) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{n}
  namespace: team-{team}
  labels:
    app: service-{n}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: service-{n}
  template:
    metadata:
      labels:
        app: service-{n}
    spec:
      containers:
        - name: main
          image: registry.example.com/team/service-{n}:1.{n}.0
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
          resources:
            requests:
              cpu: 100m
              memory: 64Mi
---
apiVersion: v1
kind: Service
metadata:
  name: service-{n}
  namespace: team-{team}
spec:
  selector:
    app: service-{n}
  ports:
    - port: 80
      targetPort: http
",
        team = n % 50,
        replicas = n % 4,
    )
}

fn dockerfile(n: usize) -> String {
    format!(
        "\
FROM golang:1.25 AS build
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends make \\
    && rm -rf /var/lib/apt/lists/* \\
    && make service-{n}

FROM gcr.io/distroless/static
COPY --from=build /src/service-{n} /service
ENTRYPOINT [\"/service\"]
"
    )
}

fn generate(root: &Path) -> u64 {
    let mut bytes = 0;
    let mut write = |path: String, text: String| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("it lies below the root")).expect("writable");
        bytes += text.len() as u64;
        fs::write(path, text).expect("writable");
    };
    for n in 0..5_000 {
        write(format!("deploy/team-{}/service-{n}.yaml", n % 50), manifest(n));
    }
    for n in 0..500 {
        write(format!("services/service-{n}/Dockerfile"), dockerfile(n));
    }
    bytes
}

#[divan::bench(args = ["default", "all"], sample_count = 10)]
fn repository(bencher: Bencher<'_, '_>, profile: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bytes = generate(folder.path());
    let mut rules = RuleSet::builtin().expect("the built-in rules load");
    let profile = if profile == "all" { Profile::All } else { Profile::Default };
    rules.select(profile, &[], &[]).expect("a profile always selects");
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let files = discover::discover(folder.path(), &GlobSet::empty()).expect("readable");
        evaluate(files, &rules).findings.len()
    });
}

/// A definition of a custom resource: most of its bytes are descriptions.
fn definition(n: usize) -> String {
    let mut text = format!(
        "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things{n}.example.com
spec:
  group: example.com
  names: {{kind: Thing{n}, plural: things{n}}}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
"
    );
    for field in 0..500 {
        text += &format!(
            "                field{field}:
                  description: |-
                    What the field {field} is for, which takes more than one line to say,
                    as such descriptions are made from comments in a program.
                  type: string
"
        );
    }
    text
}

/// A repository whose bytes are definitions of custom resources.
#[divan::bench(sample_count = 10)]
fn definitions(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut bytes = 0;
    for n in 0..100 {
        let text = definition(n);
        bytes += text.len();
        fs::write(folder.path().join(format!("thing-{n}.yaml")), text).expect("writable");
    }
    let rules = RuleSet::builtin().expect("the built-in rules load");
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let files = discover::discover(folder.path(), &GlobSet::empty()).expect("readable");
        evaluate(files, &rules).kinds
    });
}

/// The process from start to exit, as `cargo bench` builds it.
#[divan::bench(args = ["--version", "check"], sample_count = 50)]
fn start(bencher: Bencher<'_, '_>, argument: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    bencher.bench(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.arg(argument).current_dir(folder.path()).output().expect("it starts").status
    });
}
