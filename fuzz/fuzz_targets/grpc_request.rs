//! What a server decodes of those who call it over gRPC: any bytes give a question or a problem, and messages survive being written
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| windlass_api::look(data));
