//! A network between the page and its servers that a test can hold up, cut and take away.

use crate::visit::Visit;

/// What the page asks for goes through this in its place.
const NETWORK: &str = "
    const real = window.fetch;
    const net = (window.net = { polls: null, stream: null, isDown: false, cuts: [] });
    net.hold = (what) => (net[what] = new Promise((free) => (net['free-' + what] = () => { net[what] = null; free(); })));
    net.free = (what) => net['free-' + what]();
    net.cut = () => net.cuts.splice(0).forEach((cut) => cut());
    window.fetch = async (url, init = {}) => {
        const to = new URL(url, location.href);
        const isCloud = to.origin !== location.origin;
        if (net.isDown && isCloud) throw new TypeError('the network is down');
        if (to.pathname === '/api/log') await net.polls;
        const answer = await real(url, init);
        if (!isCloud || to.pathname !== '/v1/devices/events' || !answer.ok || (init.method ?? 'GET') !== 'GET') return answer;
        const from = answer.body.getReader();
        const broken = new Promise((_, fail) => net.cuts.push(() => fail(new TypeError('the connection broke'))));
        broken.catch(() => {});
        const body = new ReadableStream({
            async pull(to) {
                try {
                    const { done, value } = await Promise.race([from.read(), broken]);
                    await net.stream;
                    done ? to.close() : to.enqueue(value);
                } catch (error) {
                    from.cancel().catch(() => {});
                    to.error(error);
                }
            },
            cancel: (why) => from.cancel(why),
        });
        return new Response(body, { status: answer.status, headers: answer.headers });
    };";

/// What can be held up.
#[derive(Clone, Copy, Debug)]
pub enum Traffic {
    /// The answers of the log.
    Polls,
    /// The events of the cloud.
    Stream,
}

impl Traffic {
    fn name(self) -> &'static str {
        match self {
            Traffic::Polls => "polls",
            Traffic::Stream => "stream",
        }
    }
}

/// The network of one page, until that is loaded again.
#[derive(Clone, Copy)]
pub struct Network<'a>(&'a Visit);

impl<'a> Network<'a> {
    /// Puts it between. The page takes its `fetch` when somebody presses Start or connects, so this comes before.
    pub async fn of(visit: &'a Visit) -> Self {
        visit.run(NETWORK).await;
        Network(visit)
    }

    /// Holds up what comes from now on, until it is let go.
    pub async fn hold(self, what: Traffic) {
        let script = format!("net.hold('{}')", what.name());
        self.0.run(&script).await;
    }

    /// Lets go what was held up.
    pub async fn let_go(self, what: Traffic) {
        let script = format!("net.free('{}')", what.name());
        self.0.run(&script).await;
    }

    /// Takes the cloud away, and breaks off its stream.
    pub async fn go_down(self) {
        self.0.run("net.isDown = true; net.cut()").await;
    }

    /// Brings the cloud back.
    pub async fn come_back(self) {
        self.0.run("net.isDown = false").await;
    }
}
