#!/bin/sh
# Writes the man page to its output, from what the commands say of themselves: manpage.sh PROGRAM VERSION EPOCH
set -eu
program=$1
export NO_COLOR=1

# A command's help as it stands, with what troff would take for its own made harmless.
help_of() {
  "$program" "$@" --help | sed -e 's/\\/\\e/g' -e "s/^\([.']\)/\\\\\&\1/" -e 's/-/\\-/g'
}

cat << PAGE
.TH PANNIER 1 "$(date -u -d "@$3" +%Y-%m-%d)" "Pannier $2"
.SH NAME
pannier \- time\-series store for the blobs of robots
.SH SYNOPSIS
.nf
$(help_of)
.fi
PAGE
"$program" --help | sed -n '/^Commands:/,$s/^  \([a-z][a-z-]*\)  .*/\1/p' | while IFS= read -r name; do
  printf '.SH "PANNIER %s"\n.nf\n%s\n.fi\n' "$(printf %s "$name" | tr '[:lower:]' '[:upper:]')" "$(help_of "$name")"
done
cat << 'PAGE'
.SH ENVIRONMENT
Every variable is listed by
.B pannier settings
and described in
.IR /usr/share/doc/pannier/settings.md .
The flags of the JVM can be extended by
.BR PANNIER_JAVA_OPTS .
.SH FILES
.TP
.I /etc/pannier/pannier.env
Settings of the service, as variables.
.TP
.I /var/lib/pannier
Data of the service, with the token that its first start made in the file
.IR token .
PAGE
