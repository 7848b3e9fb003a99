//! Types of functions as text, so that an expected and a found one can be compared and shown.

use wasmtime::component::types::{ComponentFunc, Type};

/// A function's type as WIT would write it, without the names of its parameters: two functions
/// of the same text can stand for each other.
pub(crate) fn signature(func: &ComponentFunc) -> String {
    let marker = if func.async_() { "async func" } else { "func" };
    let params = list(func.params().map(|(_, ty)| text(&ty)));
    let results = list(func.results().map(|ty| text(&ty)));
    match results.as_str() {
        "" => format!("{marker}({params})"),
        results => format!("{marker}({params}) -> {results}"),
    }
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn text(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) => format!("list<{}>", text(&list.ty())),
        Type::Option(option) => format!("option<{}>", text(&option.ty())),
        Type::Tuple(tuple) => format!("tuple<{}>", list(tuple.types().map(|ty| text(&ty)))),
        Type::Result(result) => {
            let ok = result.ok().map_or("_".to_owned(), |ty| text(&ty));
            let err = result.err().map_or("_".to_owned(), |ty| text(&ty));
            format!("result<{ok}, {err}>")
        }
        Type::Record(record) => {
            let fields = record.fields();
            let fields = fields.map(|field| format!("{}: {}", field.name, text(&field.ty)));
            format!("record {{ {} }}", list(fields))
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|case| match case.ty {
                Some(ty) => format!("{}({})", case.name, text(&ty)),
                None => case.name.to_owned(),
            });
            format!("variant {{ {} }}", list(cases))
        }
        Type::Enum(names) => format!("enum {{ {} }}", list(names.names().map(str::to_owned))),
        Type::Flags(names) => format!("flags {{ {} }}", list(names.names().map(str::to_owned))),
        // Nothing in the contract has a type of these kinds: whatever they are, they are wrong.
        Type::Own(_) | Type::Borrow(_) => "resource".to_owned(),
        Type::Map(_)
        | Type::FixedLengthList(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext => "another type".to_owned(),
    }
}
