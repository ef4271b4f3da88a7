//! What is derived of Compose files.

use super::*;

fn derived(path: &str, text: &str, ask: impl Fn(Node<'_>) -> String) -> String {
    let parsed = parse(Source::new(path, text));
    let artifact = parsed.artifact.expect("an artifact");
    ask(project(&artifact).expect("a project"))
}

fn purpose(path: &str, service: &str) -> String {
    let text = format!("services:\n  a: {service}\n");
    derived(path, &text, |it| it.str("purpose").unwrap_or("").to_owned())
}

#[test]
fn compose_files_are_told_by_name_and_text() {
    let is = |path: &str| recognise(&Source::new(path, "services:\n  a: {}\n"));
    assert!(is("compose.yaml") && is("a/docker-compose.prod.yml") && is("docker-compose-ci.yml"));
    assert!(!is("composer.yml") && !is("services.yml"));
}

#[test]
fn a_file_is_for_production_only_if_somebody_says_so() {
    assert_eq!(purpose("docker-compose.prod.yml", "{image: 'a:1'}"), "production");
    assert_eq!(purpose("compose.deploy.yml", "{image: 'a:1'}"), "production");
    assert_eq!(purpose("deploy/compose.yml", "{image: 'a:1'}"), "unknown");
    assert_eq!(purpose("compose.yml", "{image: 'a:1'}"), "unknown");
    assert_eq!(purpose("compose.yml", "{image: 'a:1', volumes: ['.:/app']}"), "development");
    assert_eq!(purpose("compose.prod.yml", "{command: uvicorn a:b --reload}"), "development");
    assert_eq!(purpose("examples/prod/compose.yml", "{image: a}"), "development");
}

#[test]
fn services_are_read_in_both_forms() {
    let text = "services:\n  a:\n    build: {context: ../api, dockerfile: d/File, target: prod}\n    environment: [A=1, 'B=${B:-x}', C]\n    volumes: ['${D:-x}:/data:ro', {type: bind, source: /var/run/docker.sock, target: /s}]\n    depends_on: {db: {condition: service_healthy}}\n    healthcheck: {disable: true}\n  db: {image: 'postgres:16', environment: {P: yes}}\n";
    let show = |path: &[&str]| {
        derived("k/compose.yml", text, |it| {
            let mut node = it;
            for part in path {
                let next = part.parse().map_or_else(|_| node.get(part), |at: usize| node.item(at));
                node = next.unwrap_or_else(|| panic!("no {part}"));
            }
            node.display()
        })
    };
    assert_eq!(show(&["services", "0", "build", "dockerfile"]), "api/d/File");
    assert_eq!(show(&["services", "0", "environment", "1", "fallback"]), "x");
    assert_eq!(show(&["services", "0", "volumes", "0", "source"]), "${D:-x}");
    assert_eq!(show(&["services", "0", "volumes", "1", "source"]), "/var/run/docker.sock");
    assert_eq!(show(&["services", "0", "depends_on", "0", "condition"]), "service_healthy");
    assert_eq!(show(&["services", "0", "healthcheck"]), "null");
    assert_eq!(show(&["services", "0", "health_disabled"]), "true");
    assert_eq!(show(&["services", "1", "image", "tag"]), "16");
}

#[test]
fn nothing_that_is_written_stops_the_reader() {
    for text in [
        "services:",
        "services: []",
        "services:\n  a: 1\n  b: {build: [1], image: {}, volumes: 3, ports: [{}], depends_on: {x: 1}, environment: 1}",
    ] {
        parse(Source::new("compose.yml", text));
    }
}
