/** Files of Parquet for tools, written by DuckDB in their own process. */
@NullMarked
package io.pannier.extract.parquet;

import org.jspecify.annotations.NullMarked;
