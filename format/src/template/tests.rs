use super::*;

#[track_caller]
fn one(text: &str) -> Placeholder<'_> {
    let template = Template::parse(text).unwrap();
    assert_eq!(template.pieces.len(), 1, "{template:?}");
    template.placeholders().next().unwrap().clone()
}

#[track_caller]
fn spec(text: &str) -> Spec<'_> {
    one(text).spec
}

#[test]
fn literals_and_doubled_braces() {
    let template = Template::parse("a{{b}}c{}d").unwrap();
    let text: String = template
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text,
            Piece::Placeholder(_) => "?",
        })
        .collect();
    assert_eq!(text, "a{b}c?d");
}

#[test]
fn arguments() {
    assert_eq!(one("{}").argument, Argument::Next);
    assert_eq!(one("{ }").argument, Argument::Next);
    assert_eq!(one("{12}").argument, Argument::Index(12));
    assert_eq!(one("{price}").argument, Argument::Name("price"));
    assert_eq!(one("{r#type}").argument, Argument::Name("r#type"));
    assert_eq!(one("{größe:?}").argument, Argument::Name("größe"));
}

#[test]
fn every_part_of_a_spec() {
    let all = spec("{:*^+#012.3e}");
    assert_eq!(
        all,
        Spec {
            fill: Some('*'),
            align: Some(Align::Center),
            sign: Some(Sign::Plus),
            alternate: true,
            zero: true,
            width: Some(Count::Is(12)),
            precision: Some(Precision::Count(Count::Is(3))),
            format: Trait::LowerExp,
        }
    );
}

#[test]
fn counts_by_argument() {
    assert_eq!(spec("{:0$}").width, Some(Count::Argument(Argument::Index(0))));
    assert_eq!(spec("{:width$}").width, Some(Count::Argument(Argument::Name("width"))));
    assert_eq!(
        spec("{:.p$?}").precision,
        Some(Precision::Count(Count::Argument(Argument::Name("p"))))
    );
    assert_eq!(spec("{:.*}").precision, Some(Precision::Star));
    assert!(spec("{:00$}").zero);
}

#[test]
fn letters_that_are_not_a_width() {
    assert_eq!(spec("{:x?}").format, Trait::DebugLowerHex);
    assert_eq!(spec("{:x}").format, Trait::LowerHex);
    assert_eq!(spec("{:e}").format, Trait::LowerExp);
}

#[test]
fn braces_as_fill() {
    assert_eq!(spec("{:}<5}").fill, Some('}'));
    assert_eq!(spec("{:{>5}").fill, Some('{'));
}

#[test]
fn errors_name_the_place() {
    assert_eq!(Template::parse("ab {x"), Err(TemplateError::Unclosed { offset: 3 }));
    assert_eq!(Template::parse("ab } x"), Err(TemplateError::Unmatched { offset: 3 }));
    assert_eq!(
        Template::parse("{:y}"),
        Err(TemplateError::Placeholder { offset: 0, text: ":y".into() })
    );
    assert!(Template::parse("{a b}").is_err());
    assert!(Template::parse("{:.}").is_err());
    assert!(Template::parse("{99999999999999999999999}").is_err());
}
