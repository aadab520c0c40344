//! Loops compiled twice: for every processor, and for those with wide vectors.

/// Runs `work`, compiled for AVX2 where the processor has it (x86-64-v3: Intel's since Haswell,
/// AMD's since Excavator). The program as a whole is for any x86-64, so that it starts everywhere.
///
/// Only what is inlined into `work` is compiled so: it is written as
/// `vectorized(#[inline(always)] || ...)`. The results are the same bit for bit; no float operation
/// is fused or reordered.
#[inline(always)]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        use fearless_simd::{Avx2, Level, Simd};
        use std::sync::LazyLock;

        // Asked once: the processor's features are a dozen tests.
        static AVX2: LazyLock<Option<Avx2>> = LazyLock::new(|| Level::new().as_avx2());
        if let Some(avx2) = *AVX2 {
            return avx2.vectorize(work);
        }
    }
    work()
}
