/**
 * Rows in records: CSV and JSON texts read one row after the other, in bounded memory, and the
 * names of formats. Used by the server and by the process of the SQL engine.
 */
@NullMarked
package io.pannier.extract.table;

import org.jspecify.annotations.NullMarked;
