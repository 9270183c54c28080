/**
 * Statements over tables, run by DuckDB in a process of its own: whatever a statement or a damaged
 * file makes of the engine, the server lives on, and the memory it took is given back when it ends.
 * A process is started when a statement needs it, knows nothing of the server's environment, serves
 * one request after the other, and ends when nobody asks for half a minute.
 *
 * <p>On the side of the server: {@link io.pannier.extract.sql.SqlEngines}, the only door. In the
 * process: {@link io.pannier.extract.sql.EngineMain}, then {@code Engine}. Between them: {@code
 * Frames}.
 */
@NullMarked
package io.pannier.extract.sql;

import org.jspecify.annotations.NullMarked;
