//! One label as a picture: the QR code of its URL, and its serial beneath for people.

use qrcode::{Color, EcLevel, QrCode};

use crate::order::Order;
use crate::serial::Serial;

/// Modules of white around a QR code (ISO/IEC 18004 section 9.1).
const QUIET_ZONE: usize = 4;
/// Height of the line of text, in modules.
const TEXT: usize = 5;

/// The modules of the QR code of a text, row by row, `true` for dark, and how many a row has. Error correction level M.
/// `None` if the text is too long for one.
#[must_use]
pub fn qr_modules(text: &str) -> Option<(usize, Vec<bool>)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
    Some((code.width(), modules))
}

/// A label of the order as SVG, its unit a module. `None` if the URL is too long for a QR code.
#[must_use]
pub fn label_svg(order: &Order, serial: Serial) -> Option<String> {
    let (width, modules) = qr_modules(&order.label_url(serial))?;
    let side = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (place, _) in modules.iter().enumerate().filter(|(_, dark)| **dark) {
        let (x, y) = (place % width + QUIET_ZONE, place / width + QUIET_ZONE);
        path.push_str(&format!("M{x} {y}h1v1h-1z"));
    }
    let (height, middle, baseline) = (side + TEXT, side / 2, side + TEXT - 3);
    let text = serial.grouped();
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {height}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{height}\" fill=\"#fff\"/><path d=\"{path}\"/>\
         <text x=\"{middle}\" y=\"{baseline}\" font-family=\"monospace\" font-size=\"3.5\" text-anchor=\"middle\">{text}</text>\
         </svg>\n"
    ))
}
