//! How many requests an HTTP/2 connection has under way, so that one that has none for long can be ended.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::Response;
use http_body::{Frame, SizeHint};
use tokio::{sync::watch, time::timeout};

/// The requests of a connection that are under way, from the head to the end of the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Occupancy(watch::Sender<usize>);

impl Occupancy {
    /// A request has come.
    pub(super) fn enter(&self) -> Guest {
        self.0.send_modify(|guests| *guests += 1);
        Guest(self.clone())
    }

    /// Waits until there has been no request for so long.
    pub(super) async fn idle(&self, patience: Duration) {
        let mut guests = self.0.subscribe();
        loop {
            // It cannot fail: the other half is here.
            guests.wait_for(|guests| *guests == 0).await.ok();
            if timeout(patience, guests.changed()).await.is_err() {
                return;
            }
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Guest(Occupancy);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.0.send_modify(|guests| *guests -= 1);
    }
}

impl Guest {
    /// Stays until the answer has been given.
    pub(super) fn stay(self, response: Response<Body>) -> Response<Body> {
        response.map(|body| Body::new(Occupied { body, _guest: self }))
    }
}

/// A body, and the request that it answers.
struct Occupied {
    body: Body,
    _guest: Guest,
}

impl http_body::Body for Occupied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_runs_while_nothing_is_under_way() {
        const PATIENCE: Duration = Duration::from_secs(60);
        let (occupancy, begun) = (Occupancy::default(), Instant::now());
        let answer = occupancy.enter().stay(Response::new(Body::empty()));
        tokio::join!(occupancy.idle(PATIENCE), async {
            sleep(PATIENCE * 5).await;
            drop(answer);
            sleep(PATIENCE / 2).await;
            // Over before anybody looks.
            drop(occupancy.enter());
        });
        assert_eq!(begun.elapsed().as_secs(), (PATIENCE * 6 + PATIENCE / 2).as_secs());
    }
}
