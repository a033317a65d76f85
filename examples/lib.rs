//! Examples of farcall, one idea each; see `README.md` beside this file.
