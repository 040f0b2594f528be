//! `#[derive(Params)]`: the request struct of an operation is the only place that names its parameters.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Lit, LitStr, Meta};

/// Derives `sesame_service::params::Request` for a struct with named fields.
///
/// A field's wire name is its name in PascalCase, or the one given with `#[param(name = "DKMSInstanceId")]`. Its type
/// decides how it is read and whether it is required; `#[param(given)]` makes a required text count as given when it
/// is sent empty. The first paragraph of its doc comment is the parameter's description everywhere.
#[proc_macro_derive(Params, attributes(param))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    expand(&syn::parse_macro_input!(input as DeriveInput)).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "Params can be derived for structs only"));
    };
    let fields = match &data.fields {
        Fields::Named(named) => named.named.iter().map(Parameter::read).collect::<syn::Result<Vec<_>>>()?,
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => return Err(Error::new(input.span(), "Params needs named fields")),
    };
    let name = &input.ident;
    let specs = fields.iter().map(|Parameter { ty, wire, summary, .. }| {
        quote! {
            crate::params::ParamSpec {
                name: #wire,
                kind: <#ty as crate::params::Param>::KIND,
                required: <#ty as crate::params::Param>::REQUIRED,
                sensitivity: <#ty as crate::params::Param>::SENSITIVITY,
                summary: #summary,
            }
        }
    });
    let checks = fields.iter().filter(|field| !field.given).map(|Parameter { ty, wire, .. }| {
        quote! { crate::params::require::<#ty>(params, #wire)?; }
    });
    let given = fields.iter().filter(|field| field.given).map(|Parameter { wire, .. }| {
        quote! { crate::params::require_given(params, #wire)?; }
    });
    let values = fields.iter().map(|Parameter { ident, ty, wire, .. }| {
        quote! { #ident: <#ty as crate::params::Param>::decode(params, #wire)? }
    });
    Ok(quote! {
        impl crate::params::Request for #name {
            const SPECS: &'static [crate::params::ParamSpec] = &[#(#specs),*];

            fn decode(params: &crate::params::Params<'_>) -> crate::error::Result<Self> {
                #(#checks)*
                #(#given)*
                Ok(Self { #(#values),* })
            }
        }
    })
}

struct Parameter<'a> {
    ident: &'a syn::Ident,
    ty: &'a syn::Type,
    wire: String,
    summary: String,
    given: bool,
}

impl<'a> Parameter<'a> {
    fn read(field: &'a Field) -> syn::Result<Self> {
        let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "Params needs named fields"))?;
        let mut wire = pascal_case(&ident.to_string());
        let mut given = false;
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("param")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    wire = meta.value()?.parse::<LitStr>()?.value();
                } else if meta.path.is_ident("given") {
                    given = true;
                } else {
                    return Err(meta.error("expected `name = \"…\"` or `given`"));
                }
                Ok(())
            })?;
        }
        let summary = summary(field);
        if summary.is_empty() {
            return Err(Error::new(field.span(), "describe the parameter in a doc comment: it is shown to users"));
        }
        Ok(Self { ident, ty: &field.ty, wire, summary, given })
    }
}

fn pascal_case(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}

/// The first paragraph of the field's doc comment on one line.
fn summary(field: &Field) -> String {
    let lines = field.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
