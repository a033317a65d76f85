//! The guide: a chapter for each thing that a program does with farcall.
//!
//! The programs in the chapters run as tests. In reading order:
//!
//! - [`declaring`]: what a trait may have, what the attribute makes of it, and its options.
//! - [`serving`]: services, instances, addresses, and a server that runs until it is stopped.
//! - [`calling`]: channels, clients, options of calls, and calls without a runtime.
//! - [`errors`]: error types of your own, codes, and whether a failed call ran.
//! - [`other_errors`]: turning the errors of other crates into [`farcall::Error`].
//! - [`deadlines`]: which deadline a call has, and what cancels it.
//! - [`sharing_state`]: state that a service shares with its program, and state of one connection.
//! - [`streams`]: streams as arguments and results, and channels as values.
//! - [`objects`]: callbacks, sessions, and a registry of names.
//! - [`layers`]: interceptors, and the layers of tower.
//! - [`authorization`]: who may call what, identities, and tokens.
//! - [`overload`]: what a server does when too many calls come, and which it refuses first.
//! - [`testing`]: mocks, loopbacks, and bad networks under paused time.
//! - [`contracts`]: what a change of a trait breaks, its lock file, and rolling deploys.
//! - [`project_layout`]: a crate for the API, one for the server, one for the client.
//! - [`udp`]: what changes over UDP, and when to take it.
//! - [`tls`]: certificates on one side or both, and who the caller is.
//! - [`quic`]: what changes over QUIC, and when to take it.
//! - [`command_line`]: calling, watching and measuring a server without its trait.
//! - [`deploying`]: encryption, limits, shutdown, versions, and what to watch.

/// A chapter, from the file of its name. In the repository the chapters refer to each other by file. Here the same
/// labels mean the modules: Markdown takes the first definition of a label.
macro_rules! chapter {
    ($name:ident) => {
        #[doc = "[authorization]: farcall::guide::authorization"]
        #[doc = "[contracts]: farcall::guide::contracts"]
        #[doc = "[deadlines]: farcall::guide::deadlines"]
        #[doc = "[deploying]: farcall::guide::deploying"]
        #[doc = "[errors]: farcall::guide::errors"]
        #[doc = "[layers]: farcall::guide::layers"]
        #[doc = "[objects]: farcall::guide::objects"]
        #[doc = "[other errors]: farcall::guide::other_errors"]
        #[doc = "[overload]: farcall::guide::overload"]
        #[doc = "[project layout]: farcall::guide::project_layout"]
        #[doc = "[serving]: farcall::guide::serving"]
        #[doc = "[sharing state]: farcall::guide::sharing_state"]
        #[doc = "[streams]: farcall::guide::streams"]
        #[doc = "[testing]: farcall::guide::testing"]
        #[doc = "[TLS]: farcall::guide::tls"]
        #[doc = "[UDP]: farcall::guide::udp"]
        #[doc = "[`farcall::channel`]: mod@farcall::channel"]
        #[doc = "[`farcall::service`]: macro@farcall::service"]
        #[doc = ""]
        #[doc = include_str!(concat!("../guide/", stringify!($name), ".md"))]
        pub mod $name {}
    };
    // Its programs need the feature, and so do its links.
    ($name:ident, $feature:literal) => {
        #[cfg(feature = $feature)]
        chapter!($name);
        #[cfg(not(feature = $feature))]
        #[doc = concat!("This chapter is here in a build with the feature `", $feature, "`.")]
        pub mod $name {}
    };
}

chapter!(declaring);
chapter!(serving);
chapter!(calling);
chapter!(errors);
chapter!(other_errors);
chapter!(deadlines);
chapter!(sharing_state);
chapter!(streams);
chapter!(objects);
chapter!(layers);
chapter!(authorization);
chapter!(overload);
chapter!(testing);
chapter!(contracts);
chapter!(project_layout);
chapter!(udp);
chapter!(tls, "dev-certificates");
chapter!(quic, "quic");
chapter!(command_line);
chapter!(deploying);
