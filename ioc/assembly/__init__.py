"""What several processes are made of: their context, beats, the guard of what leaves, progress, a drill's folder."""
