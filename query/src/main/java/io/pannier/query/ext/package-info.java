/**
 * What an extension of queries is made of: the public interface between a query and code that looks
 * into records. An extension turns each record that a query found into none, one or many items
 * before they are sent. How to write one: {@code docs/extensions.md}; the worked example is {@code
 * examples/extension}.
 *
 * <p>Threads: a step belongs to one query and is called by one thread at a time, always one of the
 * threads kept for extensions, where blocking is allowed; only the hooks of {@link
 * io.pannier.query.ext.Work#onStop} come from elsewhere. Start at {@link
 * io.pannier.query.ext.Extension}, then {@link io.pannier.query.ext.Step} and {@link
 * io.pannier.query.ext.Item}.
 */
@NullMarked
package io.pannier.query.ext;

import org.jspecify.annotations.NullMarked;
