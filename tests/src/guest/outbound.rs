//! A guest that asks another host.

use super::Guest;

const IMPORTS: &str = r#"
    (import "wasi:http/types@0.2.6" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.6" "[constructor]outgoing-request"
      (func $request (param i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-scheme"
      (func $set_scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-path-with-query"
      (func $set_path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-authority"
      (func $set_authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]future-incoming-response.subscribe"
      (func $subscribe (param i32) (result i32)))
    (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:http/types@0.2.6" "[method]future-incoming-response.get"
      (func $get (param i32 i32)))
    (import "wasi:http/types@0.2.6" "[method]incoming-response.status"
      (func $status (param i32) (result i32)))
    (import "wasi:http/outgoing-handler@0.2.6" "handle"
      (func $send (param i32 i32 i32 i32)))"#;

/// The cases of `scheme` that the guests know.
const HTTP: u8 = 0;
const HTTPS: u8 = 1;

/// What stands between the quotes of params that are a text.
const PARAMS: &str = "(i32.add (local.get $params) (i32.const 1))
    (i32.sub (local.get $params_bytes) (i32.const 2))";

/// Asks its params for `/`, once or for ever, and answers with the status, a text of four digits; an
/// error's number is answered as 1,000 and that number.
pub fn asking(is_endless: bool) -> Vec<u8> {
    asker(HTTP, is_endless, PARAMS, "")
}

/// Asks its params once, in secret.
pub fn asking_in_secret() -> Vec<u8> {
    asker(HTTPS, false, PARAMS, "")
}

/// Asks this host, such as `127.0.0.1:8080` or `https://localhost`, once, whatever its params.
pub fn asking_host(host: &str) -> Vec<u8> {
    let (scheme, host) = match host.strip_prefix("https://") {
        Some(host) => (HTTPS, host),
        None => (HTTP, host),
    };
    let authority = format!("(i32.const 2048) (i32.const {})", host.len());
    asker(scheme, false, &authority, &format!("(data (i32.const 2048) \"{host}\")"))
}

fn asker(scheme: u8, is_endless: bool, authority: &str, data: &str) -> Vec<u8> {
    let again = if is_endless { "(br $again)" } else { "" };
    let handle = format!(
        "(local $asked i32) (local $found i32)
         (loop $again
           (local.set $asked (call $request (call $fields)))
           (drop (call $set_scheme (local.get $asked) (i32.const 1) (i32.const {scheme}) (i32.const 0)
             (i32.const 0)))
           (drop (call $set_authority (local.get $asked) (i32.const 1)
             {authority}))
           (drop (call $set_path (local.get $asked) (i32.const 1) (i32.const 128) (i32.const 1)))
           (call $send (local.get $asked) (i32.const 0) (i32.const 0) (i32.const 512))
           (if (i32.load8_u (i32.const 512)) (then unreachable))
           (local.set $asked (i32.load (i32.const 520)))
           (call $block (call $subscribe (local.get $asked)))
           (call $get (local.get $asked) (i32.const 1024))
           (local.set $found
             (if (result i32) (i32.load8_u (i32.const 1040))
               (then (i32.add (i32.const 1000) (i32.load8_u (i32.const 1048))))
               (else (call $status (i32.load (i32.const 1048))))))
           (if (i32.eq (local.get $found) (i32.const 200)) (then {again})))
         (i32.store8 (i32.const 256) (call $digit (local.get $found) (i32.const 1000)))
         (i32.store8 (i32.const 257) (call $digit (local.get $found) (i32.const 100)))
         (i32.store8 (i32.const 258) (call $digit (local.get $found) (i32.const 10)))
         (i32.store8 (i32.const 259) (call $digit (local.get $found) (i32.const 1)))
         (call $answer (i32.const 255) (i32.const 6))"
    );
    let fields = format!(
        "(data (i32.const 128) \"/\") {data}
      (data (i32.const 255) \"\\22\") (data (i32.const 260) \"\\22\")
      (func $digit (param $number i32) (param $unit i32) (result i32)
        (i32.add (i32.const 48)
          (i32.rem_u (i32.div_u (local.get $number) (local.get $unit)) (i32.const 10))))"
    );
    Guest { imports: IMPORTS, fields: &fields, handle: &handle, ..Guest::default() }.component()
}
