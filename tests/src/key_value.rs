//! Keys and values in memory: what a service's bucket is, in as few words as possible. The durable
//! one has to answer alike.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stokehold_runtime::{KeyValue, KeyValueError, KeyValueFuture};

/// Keys and values in memory, gone with it.
#[derive(Debug)]
pub struct MemoryKeyValue {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
    bytes_max: usize,
    keys_max: usize,
}

type Values = BTreeMap<String, Vec<u8>>;

impl MemoryKeyValue {
    /// A store for so many bytes, keys included, and so many keys.
    pub fn new(bytes_max: usize, keys_max: usize) -> Self {
        MemoryKeyValue { values: Mutex::default(), bytes_max, keys_max }
    }

    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Values) -> Result<T, String>,
    ) -> KeyValueFuture<'_, T> {
        let done = change(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async { done.map_err(KeyValueError) })
    }

    /// Puts a value in its place, where all then fits.
    fn put(&self, values: &mut Values, key: String, value: Vec<u8>) -> Result<(), String> {
        let mut then = values.clone();
        then.insert(key, value);
        let bytes: usize = then.iter().map(|(key, value)| key.len() + value.len()).sum();
        for (what, asked, max) in
            [("bytes", bytes, self.bytes_max), ("keys", then.len(), self.keys_max)]
        {
            if asked > max {
                return Err(format!("the store would have {asked} {what}; the limit is {max}"));
            }
        }
        *values = then;
        Ok(())
    }
}

impl KeyValue for MemoryKeyValue {
    fn get(&self, key: String) -> KeyValueFuture<'_, Option<Vec<u8>>> {
        self.change(|values| Ok(values.get(&key).cloned()))
    }

    fn set(&self, key: String, value: Vec<u8>) -> KeyValueFuture<'_, ()> {
        self.change(|values| self.put(values, key, value))
    }

    fn delete(&self, key: String) -> KeyValueFuture<'_, ()> {
        self.change(|values| {
            values.remove(&key);
            Ok(())
        })
    }

    fn increment(&self, key: String, delta: u64) -> KeyValueFuture<'_, u64> {
        self.change(|values| {
            let value = values.get(&key).map_or(Ok("0"), |value| str::from_utf8(value));
            let number = value.ok().and_then(|text| text.parse::<u64>().ok());
            let number = number.ok_or("the value is no number")?;
            let sum = number.checked_add(delta);
            let sum = sum.ok_or(format!("{number} and {delta} are more than fits"))?;
            self.put(values, key, sum.to_string().into_bytes())?;
            Ok(sum)
        })
    }

    fn keys(&self, skip: usize, count: usize) -> KeyValueFuture<'_, Vec<String>> {
        self.change(|values| Ok(values.keys().skip(skip).take(count).cloned().collect()))
    }
}
