//! A library's sources, parsed: [`Library`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use syn::{Attribute, Item, UseTree, Visibility};

/// Every item of a library, and what its root names.
#[derive(Default)]
pub(super) struct Library {
    /// In the order of the files. Modules are not among them.
    pub(super) items: Vec<Placed>,
    /// What the root exports.
    pub(super) exports: Vec<Export>,
}

/// An item and the modules that it is in.
pub(super) struct Placed {
    pub(super) modules: Vec<String>,
    pub(super) item: Item,
}

/// A name in the root: of an item, or of a whole module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Export {
    /// The path as it is written, from the root.
    pub(super) path: Vec<String>,
    /// What it is called there, if that is another name.
    pub(super) renamed: Option<String>,
}

impl Library {
    /// Reads the library in a crate's folder.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut library = Self::default();
        let root = parse(&folder.join("src/lib.rs"))?;
        for item in &root {
            library.export(item);
        }
        library.add(root, &folder.join("src"), &[])?;
        library.exports.sort();
        Ok(library)
    }

    fn export(&mut self, item: &Item) {
        match item {
            Item::Use(used) if is_public(&used.vis) => self.export_tree(&used.tree, &[]),
            Item::Mod(module) if is_public(&module.vis) => {
                self.exports.push(Export { path: vec![module.ident.to_string()], renamed: None });
            }
            item => {
                let name = super::items::name(item).filter(|_| super::items::is_public(item));
                self.exports.extend(name.map(|name| Export { path: vec![name], renamed: None }));
            }
        }
    }

    fn export_tree(&mut self, tree: &UseTree, before: &[String]) {
        let path = |last: &syn::Ident| [before, &[last.to_string()]].concat();
        match tree {
            UseTree::Path(inner) => self.export_tree(&inner.tree, &path(&inner.ident)),
            UseTree::Name(name) => self.exports.push(Export { path: path(&name.ident), renamed: None }),
            UseTree::Rename(name) => {
                self.exports.push(Export { path: path(&name.ident), renamed: Some(name.rename.to_string()) });
            }
            UseTree::Glob(_) => self.exports.push(Export { path: [before, &["*".to_owned()]].concat(), renamed: None }),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.export_tree(tree, before)),
        }
    }

    /// Adds the items of a module, and those of the modules in it. `folder` is where their files are.
    fn add(&mut self, items: Vec<Item>, folder: &Path, modules: &[String]) -> anyhow::Result<()> {
        for item in items {
            let Item::Mod(module) = item else {
                if !is_for_tests(attributes(&item)) {
                    self.items.push(Placed { modules: modules.to_vec(), item });
                }
                continue;
            };
            if is_for_tests(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let inner = match module.content {
                Some((_, items)) => items,
                None => parse(&folder.join(format!("{name}.rs")))?,
            };
            self.add(inner, &folder.join(&name), &[modules, &[name]].concat())?;
        }
        Ok(())
    }
}

fn parse(path: &PathBuf) -> anyhow::Result<Vec<Item>> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let file = syn::parse_file(&text).with_context(|| format!("can't parse {}", path.display()))?;
    Ok(file.items)
}

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_condition = |list: &syn::MetaList| attribute.path().is_ident("cfg") && list.tokens.to_string() == "test";
        attribute.meta.require_list().is_ok_and(is_condition)
    })
}

/// The attributes of the items that this is about.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        _ => &[],
    }
}
