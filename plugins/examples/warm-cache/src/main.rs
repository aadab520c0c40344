//! Berth with a plugin of one's own: every command of `berth`, and one plugin more.

mod warm_image_cache;

use std::process::ExitCode;

use berth_engine::framework::RegistryError;
use berth_plugins::{Factory, PluginRegistry, in_tree};

use warm_image_cache::{NAME, WarmImageCache};

fn plugins() -> Result<PluginRegistry, RegistryError> {
    in_tree()?.with(NAME, Factory::with_args(WarmImageCache::new))
}

fn main() -> ExitCode {
    match plugins() {
        Ok(registry) => berth::cli::main(&registry),
        Err(error) => {
            eprintln!("warm-cache-scheduler: {error}");
            ExitCode::FAILURE
        }
    }
}
