;; What every test guest has: the host's functions, memory, an allocator, and functions that
;; write an answer where the canonical ABI expects it. Bytes 0 to 4095 are free for data; a
;; result is written at 16.
(import "stokehold:service/charge@0.1.0" "authorized" (func $authorized (result i64)))
(import "stokehold:service/charge@0.1.0" "fuel-remaining" (func $fuel_remaining (result i64)))
(import "stokehold:service/charge@0.1.0" "capture-at-most" (func $capture_at_most (param i64)))
(import "stokehold:service/charge@0.1.0" "progress" (func $progress (param f32 i32 i32)))

(memory $memory (export "memory") 1)
(global $heap (mut i32) (i32.const 4096))
(data (i32.const 64) "null")

(func $realloc (export "cabi_realloc")
  (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $at) (local.get $bytes)))
  (if (i32.gt_u (global.get $heap) (i32.shl (memory.size) (i32.const 16)))
    (then
      (drop (memory.grow
        (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))))))
  (local.get $at))

;; handle: ok(text)
(func $answer (param $text i32) (param $bytes i32) (result i32)
  (i32.store8 (i32.const 16) (i32.const 0))
  (i32.store (i32.const 20) (local.get $text))
  (i32.store (i32.const 24) (local.get $bytes))
  (i32.const 16))

;; handle: ok("null")
(func $done (result i32)
  (call $answer (i32.const 64) (i32.const 4)))

;; handle: err(kind(text)), where 0 is user-error, 1 access-error, 2 unavailable
(func $fail (param $kind i32) (param $text i32) (param $bytes i32) (result i32)
  (i32.store8 (i32.const 16) (i32.const 1))
  (i32.store8 (i32.const 20) (local.get $kind))
  (i32.store (i32.const 24) (local.get $text))
  (i32.store (i32.const 28) (local.get $bytes))
  (i32.const 16))

;; quote: ok({ credits, none })
(func $quoted (param $credits i64) (result i32)
  (i32.store8 (i32.const 16) (i32.const 0))
  (i64.store (i32.const 24) (local.get $credits))
  (i32.store8 (i32.const 32) (i32.const 0))
  (i32.const 16))

;; quote: ok({ credits, some(text) })
(func $quoted_for (param $credits i64) (param $text i32) (param $bytes i32) (result i32)
  (drop (call $quoted (local.get $credits)))
  (i32.store8 (i32.const 32) (i32.const 1))
  (i32.store (i32.const 36) (local.get $text))
  (i32.store (i32.const 40) (local.get $bytes))
  (i32.const 16))

;; quote: err(kind(text))
(func $refuse (param $kind i32) (param $text i32) (param $bytes i32) (result i32)
  (i32.store8 (i32.const 16) (i32.const 1))
  (i32.store8 (i32.const 24) (local.get $kind))
  (i32.store (i32.const 28) (local.get $text))
  (i32.store (i32.const 32) (local.get $bytes))
  (i32.const 16))
