/**
 * The extension {@code select}: columns and rows of CSV, JSON, Parquet and Protobuf. Columns are
 * taken here, in the server; statements are run by {@link io.pannier.extract.sql}.
 *
 * <p>Start at {@link io.pannier.extract.select.SelectExtension}.
 */
@NullMarked
package io.pannier.extract.select;

import org.jspecify.annotations.NullMarked;
