//! A reading of metrics in the text format of OpenMetrics.

use std::collections::BTreeMap;

/// The values of all series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample(BTreeMap<String, Vec<Series>>);

#[derive(Clone, Debug, PartialEq)]
struct Series {
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What was added to a histogram between two readings: the upper bound of each bucket, and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread(Vec<(f64, f64)>);

impl Sample {
    /// Lines that are no values are passed over: a hub of another version may say more.
    pub(super) fn parse(text: &str) -> Self {
        let mut values: BTreeMap<String, Vec<Series>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, series)) = series(line) {
                values.entry(name).or_default().push(series);
            }
        }
        Self(values)
    }

    fn series(&self, name: &str) -> &[Series] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The sum of all series of a name; `None` when there is none.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        let series = self.series(name);
        (!series.is_empty()).then(|| series.iter().map(|one| one.value).sum())
    }

    /// The sum of the series of a name by a label's value.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for series in self.series(name) {
            if let Some(value) = series.labels.get(label) {
                *sums.entry(value.as_str()).or_insert(0.0) += series.value;
            }
        }
        sums
    }

    /// The largest of the series of a name.
    pub(super) fn max(&self, name: &str) -> f64 {
        self.series(name).iter().map(|one| one.value).fold(0.0, f64::max)
    }

    /// The values that a label has among the series of a name.
    pub(super) fn labels(&self, name: &str, label: &str) -> Vec<&str> {
        self.series(name).iter().filter_map(|one| Some(one.labels.get(label)?.as_str())).collect()
    }

    /// What was added to a histogram since `former`. After a restart that is all there is.
    pub(super) fn added(&self, former: &Self, name: &str) -> Spread {
        let name = format!("{name}_bucket");
        let cumulated = |sample: &Self| -> Vec<(f64, f64)> {
            let series = sample.series(&name).iter();
            series.filter_map(|one| Some((one.labels.get("le")?.parse().ok()?, one.value))).collect()
        };
        let (now, then) = (cumulated(self), cumulated(former));
        let is_same = then.len() == now.len() && now.last().map(|one| one.1) >= then.last().map(|one| one.1);
        let mut below = 0.0;
        let buckets = now.iter().enumerate().map(|(at, &(bound, count))| {
            let count = if is_same { count - then[at].1 } else { count };
            (bound, count - std::mem::replace(&mut below, count))
        });
        Spread(buckets.collect())
    }
}

impl Spread {
    /// What this part of all is below, about; `None` when nothing was added.
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let all: f64 = self.0.iter().map(|(_, count)| count).sum();
        let (mut left, mut lower) = (part * all, 0.0);
        for &(bound, count) in self.0.iter().filter(|_| all > 0.0) {
            if count > 0.0 && left <= count {
                return Some(if bound.is_finite() { lower + (bound - lower) * left / count } else { lower });
            }
            left -= count;
            lower = if bound.is_finite() { bound } else { lower };
        }
        None
    }
}

/// `name{label="value",…} value`.
fn series(line: &str) -> Option<(String, Series)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.trim_start_matches(',').split_once("=\"")?;
            let (value, behind) = unquote(quoted)?;
            labels.insert(label.to_owned(), value);
            rest = behind;
        }
        rest = &rest[1..];
    }
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name.to_owned(), Series { labels, value }))
}

/// A label's value up to its closing quote, and what is behind that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE a counter\n# HELP a Text.\na_total{front=\"x\",b=\"1\"} 3\na_total{front=\"y\",b=\"\\\"}\\n, \"} 4.5\n\
        c 7\nbroken\nbroken{x=\"\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"0.2\"} 3\nh_bucket{le=\"+Inf\"} 4\n# EOF\n";

    #[test]
    fn series_are_read_whatever_their_labels_hold() {
        let sample = Sample::parse(TEXT);
        assert_eq!(sample.get("a_total"), Some(7.5));
        assert_eq!((sample.get("c"), sample.get("broken")), (Some(7.0), None));
        assert_eq!(sample.by("a_total", "front"), [("x", 3.0), ("y", 4.5)].into());
        assert_eq!(sample.labels("a_total", "b"), ["1", "\"}\n, "]);
        assert_eq!(sample.max("a_total"), 4.5);
    }

    #[test]
    fn quantiles_are_of_what_was_added_since() {
        let (now, nothing) = (Sample::parse(TEXT), Sample::default());
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
        let all = now.added(&nothing, "h");
        assert!(near(all.quantile(0.25), 0.1) && near(all.quantile(0.5), 0.15));
        // Beyond the last bound nothing more is known.
        assert!(near(all.quantile(0.99), 0.2));
        assert_eq!(now.added(&now, "h").quantile(0.5), None);
        assert_eq!(now.added(&nothing, "nothing").quantile(0.5), None);
    }
}
