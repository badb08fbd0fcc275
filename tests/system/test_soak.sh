#!/usr/bin/env bash
# Memory, open files and log stay what they are over a thousand steps. soak.sh does ten thousand.
exec bash "$(dirname "$0")/soak.sh" 1000
