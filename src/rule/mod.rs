//! Rules: one defect, one file; what they say and how they are judged.
