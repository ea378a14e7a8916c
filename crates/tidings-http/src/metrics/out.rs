//! Writes metrics of one value, or of one value for each set of labels.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::MetricType,
    registry::Unit,
};
use tidings_hub::Distribution;

/// What the program's own metrics begin with. Those that every program has under their standard names do not.
const PREFIX: &str = "tidings_";

pub(super) struct Out<'a>(DescriptorEncoder<'a>);

impl<'a> Out<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.write(name, help, None, &Value::Gauge(value as f64))
    }

    pub(super) fn gauge_of(&mut self, name: &str, help: &str, unit: Unit, value: f64) -> fmt::Result {
        self.write(name, help, Some(&unit), &Value::Gauge(value))
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.write(name, help, None, &Value::Counter(value as f64))
    }

    pub(super) fn counter_of(&mut self, name: &str, help: &str, unit: Unit, value: u64) -> fmt::Result {
        self.write(name, help, Some(&unit), &Value::Counter(value as f64))
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, value: Distribution) -> fmt::Result {
        self.write(name, help, None, &Value::Histogram(value))
    }

    /// A histogram of times.
    pub(super) fn times(&mut self, name: &str, help: &str, value: Distribution) -> fmt::Result {
        self.write(name, help, Some(&Unit::Seconds), &Value::Histogram(value))
    }

    pub(super) fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        self.family(name, help, None, values.into_iter().map(|(labels, value)| (labels, value as f64)))
    }

    pub(super) fn gauges_of<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        unit: Unit,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        self.family(name, help, Some(&unit), values)
    }

    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut encoder = self.0.encode_descriptor(&name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            Value::Counter(value as f64).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A metric that every program has, by its standard name without the unit.
    pub(super) fn standard(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        value: &Value,
    ) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, unit.as_ref(), value.metric_type())?;
        value.encode(encoder)
    }

    fn write(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: &Value) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let encoder = self.0.encode_descriptor(&name, help, unit, value.metric_type())?;
        value.encode(encoder)
    }

    fn family<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut encoder = self.0.encode_descriptor(&name, help, unit, MetricType::Gauge)?;
        for (labels, value) in values {
            Value::Gauge(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// What is asked for when somebody looks, not kept. A number is written without a fraction when it has none.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Gauge(f64),
    Counter(f64),
    Histogram(Distribution),
}

impl EncodeMetric for Value {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Gauge(value) => match whole(*value) {
                Some(value) => encoder.encode_gauge(&value),
                None => encoder.encode_gauge(value),
            },
            Self::Counter(value) => match whole(*value) {
                Some(value) => encoder.encode_counter::<[(&str, &str); 0], _, u64>(&value, None),
                None => encoder.encode_counter::<[(&str, &str); 0], _, f64>(value, None),
            },
            Self::Histogram(value) => {
                let buckets: Vec<_> = value.buckets().collect();
                encoder.encode_histogram::<[(&str, &str); 0]>(value.sum(), value.count(), &buckets, None)
            }
        }
    }

    fn metric_type(&self) -> MetricType {
        match self {
            Self::Gauge(_) => MetricType::Gauge,
            Self::Counter(_) => MetricType::Counter,
            Self::Histogram(_) => MetricType::Histogram,
        }
    }
}

fn whole(value: f64) -> Option<u64> {
    /// Up to here every whole number is one of floating point.
    const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    (value.fract() == 0.0 && (0.0..EXACT).contains(&value)).then_some(value as u64)
}
