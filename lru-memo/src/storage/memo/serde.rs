//! To serde, a [`Memo`] is `()`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::storage::memo::Memo;

impl Serialize for Memo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Memo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self::new())
    }
}
