//! The layers, the unknown names, and the documented file.
