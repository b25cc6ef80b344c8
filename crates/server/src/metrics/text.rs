//! Samples as text.

use std::fmt::Write as _;

use windlass_api::MetricsForm;
use windlass_meter::{BOUNDS, Taken};

use super::declared::ALL;
use super::{Declared, Measured, Sample, Sort};

/// Everything that was collected, in the order of the declarations.
pub(crate) fn write(samples: &[Sample], form: MetricsForm) -> String {
    let mut text = String::with_capacity(16 << 10);
    for declared in ALL {
        let of = samples.iter().filter(|sample| sample.name == declared.name);
        let mut of = of.peekable();
        if of.peek().is_none() {
            continue;
        }
        head(&mut text, declared, form);
        of.for_each(|sample| series(&mut text, declared, sample));
    }
    if form == MetricsForm::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn head(text: &mut String, declared: &Declared, form: MetricsForm) {
    let (word, total) = match declared.sort {
        Sort::Counter => ("counter", "_total"),
        Sort::Gauge => ("gauge", ""),
        Sort::Histogram => ("histogram", ""),
    };
    // A counter is called as its only sample there, and without its ending here.
    let total = if form == MetricsForm::Prometheus { total } else { "" };
    let name = declared.name;
    let _ = writeln!(text, "# HELP {name}{total} {}", escaped(declared.about, form));
    let _ = writeln!(text, "# TYPE {name}{total} {word}");
}

fn series(text: &mut String, declared: &Declared, sample: &Sample) {
    let labels: Vec<String> = declared
        .labels
        .iter()
        .zip(&sample.labels)
        .map(|(label, value)| {
            format!("{label}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
        })
        .collect();
    match &sample.value {
        Measured::Number(number) => {
            let total = if declared.sort == Sort::Counter { "_total" } else { "" };
            let _ = writeln!(text, "{}{total}{} {number}", declared.name, braces(&labels));
        }
        Measured::Times(taken) => times(text, declared.name, &labels, taken),
    }
}

fn times(text: &mut String, name: &str, labels: &[String], taken: &Taken) {
    let mut sum = 0_u64;
    let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(taken.counts) {
        sum = sum.saturating_add(count);
        let mut labels = labels.to_vec();
        labels.push(format!("le=\"{bound}\""));
        let _ = writeln!(text, "{name}_bucket{} {sum}", braces(&labels));
    }
    let _ = writeln!(text, "{name}_sum{} {}", braces(labels), taken.sum.as_secs_f64());
    let _ = writeln!(text, "{name}_count{} {sum}", braces(labels));
}

fn braces(labels: &[String]) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(about: &str, form: MetricsForm) -> String {
    let about = about.replace('\\', "\\\\").replace('\n', "\\n");
    if form == MetricsForm::OpenMetrics { about.replace('"', "\\\"") } else { about }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use windlass_meter::Durations;

    use super::*;

    #[test]
    fn both_forms_of_each_sort() {
        let durations = Durations::default();
        durations.note(Duration::from_millis(2));
        durations.note(Duration::from_secs(7200));
        let sample = |name, labels: &[&str], value| Sample {
            name,
            labels: labels.iter().map(ToString::to_string).collect(),
            value,
        };
        let samples = [
            sample("windlass_runs", &["a \"b\"\\"], Measured::Number(2.0)),
            sample("windlass_runs_submitted", &[], Measured::Number(7.0)),
            sample("windlass_store_flush_duration_seconds", &[], Measured::Times(Box::new(durations.read()))),
        ];
        let plain = write(&samples, MetricsForm::Prometheus);
        assert!(
            plain.contains("# TYPE windlass_runs_submitted_total counter\nwindlass_runs_submitted_total 7\n"),
            "{plain}"
        );
        assert!(plain.contains("windlass_runs{status=\"a \\\"b\\\"\\\\\"} 2\n"), "{plain}");
        assert!(
            plain.contains("_bucket{le=\"0.0025\"} 1\n") && plain.contains("_bucket{le=\"+Inf\"} 2\n"),
            "{plain}"
        );
        assert!(plain.contains("_sum 7200.002\n") && plain.contains("_count 2\n"), "{plain}");
        let open = write(&samples, MetricsForm::OpenMetrics);
        assert!(
            open.contains("# TYPE windlass_runs_submitted counter\nwindlass_runs_submitted_total 7\n"),
            "{open}"
        );
        assert!(open.ends_with("# EOF\n") && !plain.contains("EOF"));
    }
}
