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

/// The process from start to exit, as `cargo bench` builds it.
#[divan::bench(args = ["--version", "check"], sample_count = 50)]
fn start(bencher: Bencher<'_, '_>, argument: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    bencher.bench(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.arg(argument).current_dir(folder.path()).output().expect("it starts").status
    });
}
