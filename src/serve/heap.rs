//! `/debug/pprof/heap`: what is allocated and by whom, for `go tool pprof`.
//!
//! Behind the cargo feature `heap-profile`, as sampling needs an allocator that samples: jemalloc,
//! set up by `.cargo/config.toml`. Without the feature the system's allocator stays, at no cost.

use super::page::Page;

/// Where it is served.
pub(super) const PATH: &str = "/debug/pprof/heap";

/// What the samples since the start leave allocated: gzip of pprof's `Profile`, names looked up.
#[cfg(feature = "heap-profile")]
pub(super) async fn take() -> Page {
    // Dumps and looks names up by reading the program's debug information: a second or two. The
    // lock lets one do so at a time.
    let taken = tokio::task::spawn_blocking(|| {
        let Some(control) = jemalloc_pprof::PROF_CTL.as_ref() else {
            return Err("jemalloc does not sample: start with the environment \
                        _RJEM_MALLOC_CONF=prof:true,prof_active:true,lg_prof_sample:19"
                .to_owned());
        };
        control.blocking_lock().dump_pprof().map_err(|error| format!("{error:#}"))
    });
    let error = match taken.await {
        Ok(Ok(body)) => {
            return Page { status: 200, content_type: "application/octet-stream", body };
        }
        Ok(Err(error)) => error,
        Err(error) => error.to_string(),
    };
    tracing::warn!(error, "Cannot take a heap profile");
    Page::text(500, format!("cannot take a heap profile: {error}\n"))
}

/// Says how to get one.
#[cfg(not(feature = "heap-profile"))]
pub(super) async fn take() -> Page {
    let text = "heap profiles are not built in: cargo build --release --features heap-profile\n";
    Page::text(404, text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(not(feature = "heap-profile"))]
    #[tokio::test]
    async fn without_the_feature_the_answer_names_it() {
        let page = take().await;
        assert_eq!(page.status, 404);
        assert!(String::from_utf8(page.body).unwrap().contains("--features heap-profile"));
    }

    #[cfg(feature = "heap-profile")]
    #[inline(never)]
    fn fill_for_the_profile() -> Vec<Vec<u8>> {
        // 64 MiB in pieces of 64 KiB: about 128 samples of one in 512 KiB.
        (0..1024).map(|index| vec![u8::try_from(index % 251).unwrap(); 64 << 10]).collect()
    }

    #[cfg(feature = "heap-profile")]
    #[tokio::test]
    async fn a_profile_names_what_holds_memory() {
        use std::io::Read as _;
        let held = fill_for_the_profile();
        let page = take().await;
        assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
        let mut profile = Vec::new();
        flate2::read::GzDecoder::new(&page.body[..]).read_to_end(&mut profile).unwrap();
        let found = |name: &[u8]| profile.windows(name.len()).any(|window| window == name);
        assert!(found(b"fill_for_the_profile"));
        assert!(found(b"inuse_space"));
        drop(held);
    }
}
