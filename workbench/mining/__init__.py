"""What a table of samples tells when it is searched. Pure: columns and arrays in, findings out."""
