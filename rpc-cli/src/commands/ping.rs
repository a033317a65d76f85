//! Round trips.

use std::time::{Duration, Instant};

use farcall::{Channel, Client, Code, Error, macro_support::MethodDescriptor};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    cli::Server,
    dynamic::AnyClient,
    failure::Failure,
    output::{self, NAME, clean, float, styled},
};

/// No server has it: each answers at once that it does not, after its layers.
static PING: MethodDescriptor = MethodDescriptor::new("farcall.Ping.ping");

/// The times of the answers that came.
#[derive(Debug, Default)]
struct Trips {
    sent: u64,
    took: Vec<f64>,
}

pub(super) async fn run(server: &Server, count: Option<u64>, between: Duration) -> Result<(), Failure> {
    let channel = server.connect().await?;
    output::line(format!("PING {}", styled(NAME, &server.address)))?;
    let mut trips = Trips::default();
    let began = Instant::now();
    let done = tokio::select! {
        done = trips.go(server, &channel, count, between) => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    trips.summary(server, began.elapsed())?;
    done?;
    if trips.took.is_empty() && trips.sent > 0 {
        return Err(Failure::Negative);
    }
    Ok(())
}

impl Trips {
    async fn go(
        &mut self,
        server: &Server,
        channel: &Channel,
        count: Option<u64>,
        between: Duration,
    ) -> Result<(), Failure> {
        let client = server.limited(AnyClient::new(channel.clone()));
        // A period of nothing is refused.
        let mut ticks = interval(between.max(Duration::from_micros(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while count.is_none_or(|count| self.sent < count) {
            ticks.tick().await;
            let began = Instant::now();
            let answer = client.stub().call(&PING, &(), |answer| answer.map(drop)).await;
            let (took, number) = (began.elapsed().as_secs_f64() * 1e3, self.sent);
            self.sent += 1;
            match answer {
                Err(error) if !is_answer(&error) => output::line(clean(&format!("seq={number} {error}")))?,
                _ => {
                    self.took.push(took);
                    output::line(format!(
                        "answer from {}: seq={number} time={took:.3} ms",
                        server.address
                    ))?;
                }
            }
        }
        Ok(())
    }

    fn summary(&self, server: &Server, total: Duration) -> Result<(), Failure> {
        let (sent, came) = (self.sent, self.took.len() as u64);
        let lost = 100.0 * (1.0 - float(came) / float(sent).max(1.0));
        output::line(format!(
            "\n--- {} ping statistics ---\n{sent} calls sent, {came} answered, {lost:.0}% lost, time {} ms",
            server.address,
            total.as_millis()
        ))?;
        if came == 0 {
            return Ok(());
        }
        let count = float(came);
        let mean = self.took.iter().sum::<f64>() / count;
        let spread = (self.took.iter().map(|took| (took - mean).powi(2)).sum::<f64>() / count).sqrt();
        let (least, most) = self.took.iter().fold((f64::MAX, 0.0_f64), |(least, most), took| {
            (least.min(*took), most.max(*took))
        });
        output::line(format!(
            "rtt min/avg/max/mdev = {least:.3}/{mean:.3}/{most:.3}/{spread:.3} ms"
        ))?;
        Ok(())
    }
}

/// Whether the server said it: it does not know the method, or the caller.
fn is_answer(error: &Error) -> bool {
    let codes = [
        Code::Unimplemented,
        Code::NotFound,
        Code::Unauthenticated,
        Code::PermissionDenied,
    ];
    codes.contains(&error.code())
}
