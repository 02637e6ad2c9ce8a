//! A network whose capacity follows a trace, shared evenly by what is under way.

use std::time::Duration;

use immersive_engine::io::{Instant, RequestId};

/// A stretch of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// How long it lasts.
    pub duration: Duration,
    /// Capacity, bits per second.
    pub bandwidth_bps: f64,
    /// From a request to its first byte.
    pub latency: Duration,
}

/// What can go wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// This HTTP status instead of the answer.
    Status(u16),
    /// This HTTP status, with Retry-After.
    RetryAfter(u16, Duration),
    /// Connection refused, or CORS.
    Refused,
    /// Never an answer.
    Hang,
    /// The connection breaks after this share of the body.
    Broken(f64),
    /// All arrives but is not what it should be.
    Garbage,
    /// A page of HTML with status 200: a captive portal.
    Portal,
    /// So many times slower than the network would allow.
    Slow(f64),
    /// All but the last byte arrives.
    SlowLoris,
}

/// What becomes of a transfer.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// The first byte: the origin is asked now what the answer is.
    Head(RequestId),
    /// So many bytes so far.
    Progress(RequestId, u64),
    /// Everything.
    Complete(RequestId),
    /// The connection broke.
    Broken(RequestId),
}

#[derive(Debug)]
struct Transfer {
    request: RequestId,
    /// Until then nothing flows; `None` once it does.
    head_at: Option<Instant>,
    bits: f64,
    received_bits: f64,
    /// Bits after which it breaks or hangs.
    stops_at: Option<(f64, bool)>,
    slowness: f64,
    reported_at: Instant,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Network {
    trace: Vec<Period>,
    /// Index into the trace, and when that period ends.
    period: usize,
    period_ends: Instant,
    now: Instant,
    transfers: Vec<Transfer>,
    /// Bits carried in all.
    pub carried_bits: f64,
}

/// While bytes flow, the host reports this often.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// Bits that are left over by rounding.
const EPSILON_BITS: f64 = 1e-3;

impl Network {
    /// One capacity for ever.
    pub fn steady(bandwidth_bps: f64, latency: Duration) -> Self {
        Self::traced(vec![Period {
            duration: Duration::from_secs(1 << 30),
            bandwidth_bps,
            latency,
        }])
    }

    /// Follows a trace, again and again.
    pub fn traced(trace: Vec<Period>) -> Self {
        assert!(trace.iter().any(|period| !period.duration.is_zero()), "a trace lasts some time");
        let period_ends = Instant::default() + trace[0].duration;
        let mut network = Self {
            trace,
            period: 0,
            period_ends,
            now: Instant::default(),
            transfers: Vec::new(),
            carried_bits: 0.0,
        };
        network.turn_pages();
        network
    }

    /// From now on this capacity, for ever.
    pub fn set(&mut self, bandwidth_bps: f64, latency: Duration) {
        self.trace =
            vec![Period { duration: Duration::from_secs(1 << 30), bandwidth_bps, latency }];
        self.period = 0;
        self.period_ends = self.now + self.trace[0].duration;
    }

    /// A request goes out.
    pub fn request(&mut self, request: RequestId) {
        let latency = self.trace[self.period].latency;
        self.transfers.push(Transfer {
            request,
            head_at: Some(self.now + latency),
            bits: 0.0,
            received_bits: 0.0,
            stops_at: None,
            slowness: 1.0,
            reported_at: self.now,
        });
    }

    /// The answer's size, once its head is there.
    pub fn answer(&mut self, request: RequestId, bytes: u64, fault: Option<&Fault>) {
        let Some(transfer) = self.transfers.iter_mut().find(|t| t.request == request) else {
            return;
        };
        transfer.bits = bytes as f64 * 8.0;
        match fault {
            Some(Fault::Broken(share)) => transfer.stops_at = Some((transfer.bits * share, true)),
            Some(Fault::SlowLoris) => {
                transfer.stops_at = Some(((transfer.bits - 8.0).max(0.0), false));
            }
            Some(Fault::Slow(factor)) => transfer.slowness = *factor,
            _ => {}
        }
    }

    /// The server holds the answer back: its first byte comes at this moment.
    pub fn hold(&mut self, request: RequestId, until: Instant) {
        if let Some(transfer) = self.transfers.iter_mut().find(|t| t.request == request) {
            transfer.head_at = Some(until);
        }
    }

    /// Time passes without anything happening; open connections are dead after it.
    pub fn sleep(&mut self, until: Instant) {
        self.now = until;
        self.turn_pages();
        for transfer in &mut self.transfers {
            transfer.head_at = None;
            transfer.bits = f64::INFINITY;
            transfer.stops_at = Some((0.0, false));
        }
    }

    /// Transfers that were slowed down flow as the network allows.
    pub fn heal(&mut self) {
        self.transfers.iter_mut().for_each(|transfer| transfer.slowness = 1.0);
    }

    /// It does not come any more.
    pub fn cancel(&mut self, request: RequestId) {
        self.transfers.retain(|transfer| transfer.request != request);
    }

    /// Nothing more happens to it, but it stays open.
    pub fn hang(&mut self, request: RequestId) {
        if let Some(transfer) = self.transfers.iter_mut().find(|t| t.request == request) {
            transfer.bits = f64::INFINITY;
            transfer.stops_at = Some((0.0, false));
        }
    }

    /// Requests that are open.
    pub fn open(&self) -> usize {
        self.transfers.len()
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Instant> {
        let rate = self.rate_bps();
        let events = self.transfers.iter().filter_map(|transfer| {
            if let Some(head_at) = transfer.head_at {
                return Some(head_at);
            }
            let goal = transfer.stops_at.map_or(transfer.bits, |(bits, _)| bits);
            let left = goal - transfer.received_bits;
            if left <= EPSILON_BITS {
                return transfer.stops_at.is_none_or(|(_, breaks)| breaks).then_some(self.now);
            }
            let report = transfer.reported_at + REPORT_EVERY;
            let done_secs = left * transfer.slowness / rate;
            let done = if done_secs < 1e6 { self.now + after_secs(done_secs) } else { report };
            Some(done.min(report))
        });
        let next = events.min()?;
        Some(next.min(self.period_ends).max(self.now))
    }

    /// Lets time pass up to `to`, which must not be after [`Self::next_event`].
    pub fn advance(&mut self, to: Instant) -> Vec<Arrival> {
        let secs = to.since(self.now).as_secs_f64();
        let rate = self.rate_bps();
        for transfer in self.transfers.iter_mut().filter(|transfer| transfer.head_at.is_none()) {
            let goal = transfer.stops_at.map_or(transfer.bits, |(bits, _)| bits);
            let bits =
                (rate * secs / transfer.slowness).min((goal - transfer.received_bits).max(0.0));
            transfer.received_bits += bits;
            self.carried_bits += bits;
        }
        self.now = to;
        self.turn_pages();
        let mut arrivals = Vec::new();
        let now = self.now;
        self.transfers.retain_mut(|transfer| {
            if let Some(head_at) = transfer.head_at {
                if head_at <= now {
                    transfer.head_at = None;
                    transfer.reported_at = now;
                    transfer.bits = f64::INFINITY;
                    arrivals.push(Arrival::Head(transfer.request));
                }
                return true;
            }
            let goal = transfer.stops_at.map_or(transfer.bits, |(bits, _)| bits);
            if goal - transfer.received_bits > EPSILON_BITS {
                if transfer.reported_at + REPORT_EVERY <= now {
                    transfer.reported_at = now;
                    arrivals
                        .push(Arrival::Progress(transfer.request, bytes(transfer.received_bits)));
                }
                return true;
            }
            match transfer.stops_at {
                Some((_, true)) => arrivals.push(Arrival::Broken(transfer.request)),
                Some((_, false)) => return true,
                None => arrivals.push(Arrival::Complete(transfer.request)),
            }
            false
        });
        arrivals
    }

    fn turn_pages(&mut self) {
        while self.period_ends <= self.now {
            self.period = (self.period + 1) % self.trace.len();
            self.period_ends = self.period_ends + self.trace[self.period].duration;
        }
    }

    /// What each transfer gets.
    fn rate_bps(&self) -> f64 {
        let flowing = self.transfers.iter().filter(|transfer| transfer.head_at.is_none()).count();
        self.trace[self.period].bandwidth_bps / flowing.max(1) as f64
    }
}

/// Rounded up to the next microsecond, so that what is due then has happened.
fn after_secs(secs: f64) -> Duration {
    Duration::from_micros((secs * 1e6).ceil() as u64)
}

fn bytes(bits: f64) -> u64 {
    (bits / 8.0) as u64
}
