//! The public parts of items, as text: [`list`].

use std::collections::BTreeSet;

use quote::{ToTokens as _, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Type};

use super::source::{self, Export, Library, Placed};

/// Lists what a library's root names, by name.
pub(super) fn list(library: &Library) -> String {
    let mut blocks = BTreeSet::new();
    for export in &library.exports {
        let found = found(library, export);
        if found.is_empty() {
            let is_own = library.items.iter().any(|placed| placed.modules.first() == export.path.first());
            let origin = if is_own { " // made by a macro" } else { "" };
            blocks.insert((shown(export), format!("pub use {};{origin}\n", export.path.join("::"))));
        }
        for placed in found {
            let name = name(&placed.item).unwrap_or_default();
            let text = block(library, placed, &name);
            blocks.insert((shown(export) + "::" + &name, text));
        }
    }
    blocks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

fn shown(export: &Export) -> String {
    export.renamed.clone().or_else(|| export.path.last().cloned()).unwrap_or_default()
}

/// The items that an export is about: one, or all public ones of a module.
fn found<'a>(library: &'a Library, export: &Export) -> Vec<&'a Placed> {
    let public = library.items.iter().filter(|placed| is_public(&placed.item));
    let module: Vec<_> = public.clone().filter(|placed| placed.modules.ends_with(&export.path)).collect();
    let Some((last, modules)) = export.path.split_last().filter(|_| module.is_empty()) else { return module };
    let named = public.filter(|placed| name(&placed.item).is_some_and(|name| name == *last));
    // A module may name what one within it has.
    named.filter(|placed| placed.modules.starts_with(modules)).take(1).collect()
}

/// An item, and what is implemented for it.
fn block(library: &Library, placed: &Placed, name: &str) -> String {
    let mut text = String::new();
    if let [_, ..] = placed.modules.as_slice()
        && library.exports.iter().any(|export| export.path == placed.modules)
    {
        text = format!("// in {}\n", placed.modules.join("::"));
    }
    text += &unparse(&stripped(placed.item.clone()));
    let of_type =
        |item: &&Placed| matches!(&item.item, Item::Impl(block) if target(&block.self_ty).as_deref() == Some(name));
    let mut traits = BTreeSet::new();
    for item in library.items.iter().filter(of_type) {
        let Item::Impl(block) = &item.item else { continue };
        if block.trait_.is_some() {
            traits.insert(unparse(&header(block)));
            continue;
        }
        let mut block = block.clone();
        block.attrs.clear();
        block.items.retain(is_public_in_impl);
        if !block.items.is_empty() {
            block.items.iter_mut().for_each(strip_in_impl);
            text += &unparse(&Item::Impl(block));
        }
    }
    text + &traits.into_iter().collect::<String>()
}

/// The head of a trait's implementation, with the types that it says.
fn header(block: &syn::ItemImpl) -> Item {
    let mut block = block.clone();
    block.attrs.clear();
    block.items.retain(|item| matches!(item, ImplItem::Type(_)));
    Item::Impl(block)
}

/// The name of the type that an implementation is for.
fn target(this: &Type) -> Option<String> {
    match this {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// The name of an item that can be named from outside.
pub(super) fn name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

pub(super) fn is_public(item: &Item) -> bool {
    source::is_public(match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        _ => return false,
    })
}

fn is_public_in_impl(item: &ImplItem) -> bool {
    match item {
        ImplItem::Const(item) => source::is_public(&item.vis),
        ImplItem::Fn(item) => source::is_public(&item.vis),
        _ => false,
    }
}

/// Leaves of attributes those that others rely on.
fn strip_attributes(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| ["derive", "non_exhaustive"].iter().any(|kept| attribute.path().is_ident(kept)));
}

/// Leaves the fields that others see. Of an unnamed field that is seen all beside it are left, to tell its place.
fn strip_fields(fields: &mut Fields, is_seen: fn(&syn::Field) -> bool) {
    let strip = |field: &mut syn::Field| field.attrs.clear();
    match fields {
        Fields::Named(named) => {
            named.named = std::mem::take(&mut named.named).into_iter().filter(is_seen).collect();
            named.named.iter_mut().for_each(strip);
        }
        Fields::Unnamed(unnamed) => {
            if !unnamed.unnamed.iter().any(is_seen) {
                unnamed.unnamed = Punctuated::new();
            }
            unnamed.unnamed.iter_mut().for_each(strip);
        }
        Fields::Unit => {}
    }
}

fn strip_in_impl(item: &mut ImplItem) {
    match item {
        ImplItem::Fn(function) => {
            function.attrs.clear();
            function.block = syn::parse_quote!({});
        }
        ImplItem::Const(constant) => constant.attrs.clear(),
        _ => {}
    }
}

/// An item without documentation, private parts and bodies.
fn stripped(mut item: Item) -> Item {
    match &mut item {
        Item::Const(item) => item.attrs.clear(),
        Item::Type(item) => item.attrs.clear(),
        Item::Struct(item) => {
            strip_attributes(&mut item.attrs);
            strip_fields(&mut item.fields, |field| source::is_public(&field.vis));
        }
        Item::Enum(item) => {
            strip_attributes(&mut item.attrs);
            for variant in &mut item.variants {
                strip_attributes(&mut variant.attrs);
                strip_fields(&mut variant.fields, |_| true);
            }
        }
        Item::Fn(item) => {
            item.attrs.clear();
            *item.block = syn::parse_quote!({});
        }
        Item::Trait(item) => {
            item.attrs.clear();
            for inner in &mut item.items {
                match inner {
                    TraitItem::Fn(function) => {
                        function.attrs.clear();
                        function.default = function.default.as_ref().map(|_| syn::parse_quote!({}));
                    }
                    TraitItem::Type(inner) => inner.attrs.clear(),
                    TraitItem::Const(inner) => inner.attrs.clear(),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    item
}

/// The item as rustfmt would have it; bodies are semicolons.
fn unparse(item: &Item) -> String {
    let tokens = item.to_token_stream();
    let Ok(file) = syn::parse2(quote!(#tokens)) else { return format!("{tokens}\n") };
    prettyplease::unparse(&file).replace(" {}\n", ";\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(root: &str, inner: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/lib.rs"), root).unwrap();
        std::fs::write(folder.path().join("src/inner.rs"), inner).unwrap();
        list(&Library::read(folder.path()).unwrap())
    }

    #[test]
    fn public_parts_are_listed_and_private_ones_are_not() {
        let root = "//! Docs.\nmod inner;\npub use inner::{Kept, kept};\npub use other::Thing;\n";
        let inner = "/// Docs.\n#[derive(Debug)] pub struct Kept { pub shown: u8, hidden: u8 }\n\
            impl Kept { /// Docs.\n pub fn seen(&self) -> u8 { self.hidden } fn unseen() {} }\n\
            impl Drop for Kept { fn drop(&mut self) {} }\n\
            pub(crate) struct Own; pub struct Unnamed;\n pub fn kept(of: &Kept) { drop(of) }\n\
            #[cfg(test)] mod tests { pub struct Kept; }";
        let expected = "#[derive(Debug)]\npub struct Kept {\n    pub shown: u8,\n}\n\
            impl Kept {\n    pub fn seen(&self) -> u8;\n}\nimpl Drop for Kept;\n\n\
            pub use other::Thing;\n\npub fn kept(of: &Kept);\n";
        assert_eq!(listed(root, inner), expected);
    }

    #[test]
    fn a_public_module_is_listed_whole() {
        let listed = listed("pub mod inner;\n", "pub const A: u8 = 1; const B: u8 = 2; pub trait T { fn f(&self) {} }");
        assert_eq!(listed, "// in inner\npub const A: u8 = 1;\n\n// in inner\npub trait T {\n    fn f(&self);\n}\n");
    }
}
