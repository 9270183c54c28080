/**
 * An authority of one's own and the certificates that it signs, as PEM files: {@code pannier tls}.
 * The JDK has no public API that makes certificates; its {@code keytool} does, and is part of every
 * Java runtime. Start at {@link io.pannier.cli.tls.Authority}.
 */
@NullMarked
package io.pannier.cli.tls;

import org.jspecify.annotations.NullMarked;
