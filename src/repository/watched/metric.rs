//! What an alert is about, and from where on it fires, by the text of its expression.
//!
//! Only plain comparisons with a number are understood; everything else has no threshold.

/// The key metrics that alerts are about.
pub(super) const ALL: [&str; 7] =
    ["latency", "errors", "uptime", "cpu", "memory", "connections", "disk"];

/// The beginnings of metrics about the cluster or the monitoring itself: their latencies and errors
/// are not those of a service.
const CLUSTER: [&str; 10] = [
    "alertmanager_",
    "apiserver_",
    "coredns_",
    "etcd_",
    "kubelet_",
    "kubeproxy_",
    "prometheus_",
    "rest_client_",
    "scheduler_",
    "workqueue_",
];

/// Which key metric the expression is about, if it is plain.
pub(super) fn of(expr: &str) -> Option<&'static str> {
    let expr = expr.to_ascii_lowercase();
    if CLUSTER.iter().any(|it| expr.contains(it)) && !expr.contains("kubelet_volume_stats") {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|it| expr.contains(it));
    let is_request = has(&["request", "http", "grpc", "response", "latency", "duration"])
        && !has(&["cache", "redis", "database", "db_", "query", "sql", "queue", "task", "job_"]);
    if has(&["histogram_quantile(0.95", "histogram_quantile(.95", "histogram_quantile(0.99"])
        && is_request
    {
        return Some("latency");
    }
    if expr.contains('/')
        && has(&["5..", "5xx", "5[0-9]", "errors_total", "error_total"])
        && is_request
    {
        return Some("errors");
    }
    let compact: String = expr.split_whitespace().collect();
    if (compact.starts_with("up{")
        || compact.starts_with("up==")
        || compact.starts_with("probe_success"))
        && compact.ends_with("==0")
    {
        return Some("uptime");
    }
    if has(&[
        "pg_stat_activity",
        "pg_stat_database_numbackends",
        "mysql_global_status_threads_connected",
    ]) && expr.contains("max_connections")
    {
        return Some("connections");
    }
    if has(&["node_filesystem", "kubelet_volume_stats", "disk_used_percent"]) {
        return Some("disk");
    }
    if has(&["node_memory", "container_memory", "memory_usage"]) && is_share(&compact) {
        return Some("memory");
    }
    let is_cpu =
        has(&["node_cpu_seconds", "container_cpu_usage", "cpu_usage", "process_cpu_seconds"]);
    (is_cpu && !has(&["throttl", "steal", "iowait"])).then_some("cpu")
}

/// Whether something is divided by something that is measured too.
fn is_share(compact: &str) -> bool {
    let mut divisors = compact.split('/').skip(1).map(|it| it.trim_start_matches(['(', ' ']));
    divisors.any(|it| it.starts_with(|it: char| it.is_ascii_alphabetic()))
}

/// From where on it fires: seconds for latency, a share of 1 for the others. 0 for `uptime`.
pub(super) fn threshold(metric: &str, expr: &str) -> Option<f64> {
    if metric == "uptime" {
        return Some(0.0);
    }
    let expr = expr.to_ascii_lowercase();
    if expr.split_whitespace().any(|it| matches!(it, "and" | "or" | "unless")) {
        return None;
    }
    let above = expr.rfind('>').filter(|_| !expr.contains('<'));
    let below = expr.rfind('<').filter(|_| !expr.contains('>'));
    let at = above.or(below)?;
    let number = expr[at + 1..].trim_start_matches(['=', ' ', '\n', '(']).trim();
    let (number, rest) = number.split_at(
        number.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(number.len()),
    );
    let value: f64 = number.parse().ok()?;
    // A product or a further condition behind the number is not understood.
    if !rest.trim_matches([' ', ')', '\n', '\t']).is_empty() || !value.is_finite() {
        return None;
    }
    if metric == "latency" {
        let milliseconds = expr.contains("_ms") || expr.contains("milliseconds");
        return above.map(|_| if milliseconds { value / 1000.0 } else { value });
    }
    let is_percent = expr[..at].contains("* 100")
        || expr[..at].contains("*100")
        || expr[..at].contains("100 -")
        || value > 1.0;
    let share = if is_percent { value / 100.0 } else { value };
    let free = expr.contains("avail") || expr.contains("free") || expr.contains("idle");
    let turned =
        expr[..at].contains("1 -") || expr[..at].contains("100 -") || expr[..at].contains("1-");
    match (above.is_some(), free && !turned) {
        (true, false) => Some(share),
        (false, true) => Some(1.0 - share),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(expr: &str) -> Option<(&'static str, Option<i64>)> {
        let metric = of(expr)?;
        Some((metric, threshold(metric, expr).map(|it| (it * 10_000.0).round() as i64)))
    }

    #[test]
    fn thresholds_have_one_unit() {
        let latency = "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le)) > 0.5";
        assert_eq!(read(latency), Some(("latency", Some(5_000))));
        let errors = "sum(rate(http_requests_total{status=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m])) * 100 > 5";
        assert_eq!(read(errors), Some(("errors", Some(500))));
        let cpu =
            "100 - (avg by(instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100) > 80";
        assert_eq!(read(cpu), Some(("cpu", Some(8_000))));
        let memory = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < 10";
        assert_eq!(read(memory), Some(("memory", Some(9_000))));
        let disk = "(1 - node_filesystem_avail_bytes / node_filesystem_size_bytes) > 0.85";
        assert_eq!(read(disk), Some(("disk", Some(8_500))));
        assert_eq!(read("up{job=\"api\"} == 0"), Some(("uptime", Some(0))));
    }

    #[test]
    fn what_is_not_plain_has_no_threshold() {
        let two = "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.15 and predict_linear(node_filesystem_avail_bytes[6h], 3600) < 0";
        assert_eq!(read(two), Some(("disk", None)));
        assert_eq!(read("rate(jobs_total[5m]) > 3"), None);
        let limit = "container_memory_usage_bytes / limit > (0.9 * limit)";
        assert_eq!(read(limit), Some(("memory", None)));
        assert_eq!(read("container_memory_usage_bytes / 1024 / 1024 > 2"), None);
        let cache = "histogram_quantile(0.95, rate(cache_request_duration_seconds_bucket[5m])) > 1";
        assert_eq!(read(cache), None);
    }
}
