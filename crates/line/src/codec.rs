//! The codec: prost's, with little set aside for calls that are silent most of the time.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// Messages of these types. A call keeps half a KiB in each direction while nothing is said, instead of 8.
#[derive(Clone, Copy, Debug)]
pub struct Compact<T, U>(PhantomData<fn() -> (T, U)>);

/// How much is set aside at first, and how much is written together.
const LITTLE: usize = 512;
const MUCH: usize = 32 << 10;

// === impl Compact ===

impl<T, U> Default for Compact<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Compact<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(LITTLE, MUCH))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(BufferSettings::new(LITTLE, MUCH))
    }
}
