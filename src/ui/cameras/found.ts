/** What a search hands over to the form. */
export interface Found {
  source: string;
  name: string;
  username?: string | undefined;
  password?: string | undefined;
}
