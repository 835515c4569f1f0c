# Install and find_package support.
