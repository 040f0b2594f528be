//! Operations, registry and pipeline.
